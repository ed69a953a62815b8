# bash completion for supervisord(8).                                       -*- shell-script -*-
# Made by tests/documents: UPDATE=1 cargo test --test documents

# The words up to the cursor, as `typed`, and the last of them, which is to be completed, as `word`.
# Bash itself would divide them at colons and equals signs.
__supervisor_typed() {
    local line=${COMP_LINE:0:COMP_POINT}
    # Without -r: a backslash goes, and the blank after it is part of the word.
    # shellcheck disable=SC2162
    read -a typed <<<"$line"
    [[ -n $line && $line != *[[:space:]] ]] || typed+=("")
    while [[ ${typed[0]} == *=* ]]; do
        typed=("${typed[@]:1}")
    done
    typed=("${typed[@]//[\"\']/}")
    word=${typed[-1]}
}

# What bash takes for the word begins behind the last of its own divisions: `divided` is what stands
# before that in $1.
__supervisor_divided() {
    local breaks=''
    divided=''
    [[ $COMP_WORDBREAKS != *:* ]] || breaks+=:
    [[ $COMP_WORDBREAKS != *=* ]] || breaks+='='
    [[ -z $breaks || $1 != *[$breaks]* ]] || divided=${1%"${1##*["$breaks"]}"}
}

# Offers the lines of standard input that begin with the word; $1 stands before it.
__supervisor_offer() {
    local candidate divided
    __supervisor_divided "$1$word"
    while IFS= read -r candidate; do
        [[ $candidate == "$word"* ]] || continue
        candidate=$1$candidate
        printf -v candidate %q "${candidate#"$divided"}"
        COMPREPLY+=("$candidate")
    done
}

# Offers files, or only directories with $1 = -d.
__supervisor_files() {
    local found divided
    compopt -o filenames 2>/dev/null
    __supervisor_divided "$word"
    while IFS= read -r found; do
        COMPREPLY+=("${found#"$divided"}")
    done < <(compgen "$1" -- "$word")
}

# Offers what the value of an option can be: $1 is what it is called, $2 what stands before it in
# the same word.
__supervisor_value() {
    case $1 in
        FILE) __supervisor_files -f ;;
        DIR) __supervisor_files -d ;;
        LEVEL) __supervisor_offer "$2" < <(printf '%s\n' critical error warn info debug trace blather) ;;
        USER) __supervisor_offer "$2" < <(compgen -u) ;;
        URL)
            compopt -o nospace 2>/dev/null
            __supervisor_offer "$2" < <(printf '%s\n' unix:/// http:// https://)
            ;;
    esac
}

# What the daemon that is meant says to a command of supervisorctl; nothing if it cannot be asked.
__supervisorctl_ask() {
    local -a call=("${ctl[@]/#\~\//$HOME/}" "${options[@]/#\~\//$HOME/}" "$@")
    ! type -P timeout >/dev/null || call=(timeout 3 "${call[@]}")
    "${call[@]}" </dev/null 2>/dev/null
}

__supervisorctl_processes() {
    local name state
    while read -r name state _; do
        case $state in
            STOPPED|STARTING|RUNNING|BACKOFF|STOPPING|EXITED|FATAL|UNKNOWN)
                printf '%s\n' "$name"
                [[ $name != *:* ]] || printf '%s\n' "${name%%:*}:*"
                ;;
        esac
    done < <(__supervisorctl_ask status) | sort -u
}

__supervisorctl_groups() {
    local name use
    while read -r name use _; do
        case $use in
            in | avail) printf '%s\n' "${name%%:*}" ;;
        esac
    done < <(__supervisorctl_ask avail) | sort -u
}

# Completes the words of supervisorctl, of which the first is number $1.
__supervisorctl_words() {
    local -a options=()
    local at=$1 last=$((${#typed[@]} - 1)) value command names='' words=''
    while ((at < last)); do
        value=
        case ${typed[at]} in
            -c | --configuration) value=FILE ;;
            -s | --serverurl) value=URL ;;
            -u | --username) value=NAME ;;
            -p | --password) value=PASSWORD ;;
            -r | --history-file) value=FILE ;;
            -*) ;;
            *) break ;;
        esac
        if [[ -n $value ]] && ((at + 1 == last)); then
            __supervisor_value "$value" ""
            return
        fi
        case ${typed[at]} in
            -c | --configuration | -s | --serverurl | -u | --username | -p | --password) options+=("${typed[at]}" "${typed[at + 1]}") ;;
            -c?* | --configuration=* | -s?* | --serverurl=* | -u?* | --username=* | -p?* | --password=*) options+=("${typed[at]}") ;;
        esac
        [[ -z $value ]] || at=$((at + 1))
        at=$((at + 1))
    done
    if ((at >= last)); then
        case $word in
            --configuration=*)
                word=${word#*=}
                __supervisor_value FILE --configuration=
                ;;
            --serverurl=*)
                word=${word#*=}
                __supervisor_value URL --serverurl=
                ;;
            --username=*)
                word=${word#*=}
                __supervisor_value NAME --username=
                ;;
            --password=*)
                word=${word#*=}
                __supervisor_value PASSWORD --password=
                ;;
            --history-file=*)
                word=${word#*=}
                __supervisor_value FILE --history-file=
                ;;
            -*) __supervisor_offer "" < <(printf '%s\n' -c --configuration -i --interactive -s --serverurl -u --username -p --password -r --history-file --json --raw -h --help -V --version) ;;
            *) __supervisor_offer "" < <(printf '%s\n' add avail clear exit fg help maintail open pid quit reload remove reread restart shutdown signal start status stop tail update version) ;;
        esac
        return
    fi
    command=${typed[at]}
    case $command in
        add) names=groups ;;
        avail) words='--json' ;;
        clear) names=processes words='all' ;;
        exit) ;;
        fg) names=processes ;;
        help) names=commands ;;
        maintail) words='-f' ;;
        open) ;;
        pid) names=processes words='all --json' ;;
        quit) ;;
        reload) ;;
        remove) names=groups ;;
        reread) words='--json' ;;
        restart) names=processes words='all' ;;
        shutdown) ;;
        signal) names=signals words='all' ;;
        start) names=processes words='all' ;;
        status) names=processes words='all --json' ;;
        stop) names=processes words='all' ;;
        tail) names=processes words='-f stdout stderr' ;;
        update) names=groups words='all' ;;
        version) words='--json' ;;
    esac
    [[ $names != signals ]] || ((at + 1 == last)) || names=processes
    case $names in
        processes) __supervisor_offer "" < <(__supervisorctl_processes) ;;
        groups) __supervisor_offer "" < <(__supervisorctl_groups) ;;
        commands) __supervisor_offer "" < <(printf '%s\n' add avail clear exit fg help maintail open pid quit reload remove reread restart shutdown signal start status stop tail update version) ;;
        signals) __supervisor_offer "" < <(printf '%s\n' HUP INT QUIT ABRT KILL USR1 USR2 ALRM TERM CONT STOP TSTP TTIN TTOU WINCH) ;;
    esac
    # shellcheck disable=SC2086
    [[ -z $words ]] || __supervisor_offer "" < <(printf '%s\n' $words)
}

_supervisord() {
    local -a typed=() ctl=()
    local word value at=1 last
    COMPREPLY=()
    __supervisor_typed
    last=$((${#typed[@]} - 1))
    while ((at < last)); do
        value=
        case ${typed[at]} in
            -c | --configuration) value=FILE ;;
            -u | --user) value=USER ;;
            -m | --umask) value=OCTAL ;;
            -d | --directory) value=DIR ;;
            -l | --logfile) value=FILE ;;
            -y | --logfile_maxbytes) value=SIZE ;;
            -z | --logfile_backups) value=NUM ;;
            -e | --loglevel) value=LEVEL ;;
            -j | --pidfile) value=FILE ;;
            -i | --identifier) value=NAME ;;
            -q | --childlogdir) value=DIR ;;
            -a | --minfds) value=NUM ;;
            --minprocs) value=NUM ;;
            -*) ;;
            *) break ;;
        esac
        if [[ -n $value ]] && ((at + 1 == last)); then
            __supervisor_value "$value" ""
            return
        fi
        [[ -z $value ]] || at=$((at + 1))
        at=$((at + 1))
    done
    if ((at >= last)); then
        case $word in
            --configuration=*)
                word=${word#*=}
                __supervisor_value FILE --configuration=
                ;;
            --user=*)
                word=${word#*=}
                __supervisor_value USER --user=
                ;;
            --umask=*)
                word=${word#*=}
                __supervisor_value OCTAL --umask=
                ;;
            --directory=*)
                word=${word#*=}
                __supervisor_value DIR --directory=
                ;;
            --logfile=*)
                word=${word#*=}
                __supervisor_value FILE --logfile=
                ;;
            --logfile_maxbytes=*)
                word=${word#*=}
                __supervisor_value SIZE --logfile_maxbytes=
                ;;
            --logfile_backups=*)
                word=${word#*=}
                __supervisor_value NUM --logfile_backups=
                ;;
            --loglevel=*)
                word=${word#*=}
                __supervisor_value LEVEL --loglevel=
                ;;
            --pidfile=*)
                word=${word#*=}
                __supervisor_value FILE --pidfile=
                ;;
            --identifier=*)
                word=${word#*=}
                __supervisor_value NAME --identifier=
                ;;
            --childlogdir=*)
                word=${word#*=}
                __supervisor_value DIR --childlogdir=
                ;;
            --minfds=*)
                word=${word#*=}
                __supervisor_value NUM --minfds=
                ;;
            --minprocs=*)
                word=${word#*=}
                __supervisor_value NUM --minprocs=
                ;;
            -*) __supervisor_offer "" < <(printf '%s\n' -c --configuration -n --nodaemon -s --silent -u --user -m --umask -d --directory -l --logfile -y --logfile_maxbytes -z --logfile_backups -e --loglevel -j --pidfile -i --identifier -q --childlogdir -k --nocleanup -a --minfds -t --strip_ansi --minprocs -v --version -h --help) ;;
            *) __supervisor_offer "" < <(printf '%s\n' ctl check migrate hash-password) ;;
        esac
        return
    fi
    case ${typed[at]} in
        ctl)
            ctl=("${typed[0]}" ctl)
            __supervisorctl_words $((at + 1))
            ;;
        check)
            case ${typed[last - 1]}:$word in
                *:-*) __supervisor_offer "" < <(printf '%s\n' --json -h --help) ;;
                *) __supervisor_files -f ;;
            esac
            ;;
        migrate)
            case ${typed[last - 1]}:$word in
                --from:*) __supervisor_offer "" < <(printf '%s\n' supervisor go) ;;
                *:-*) __supervisor_offer "" < <(printf '%s\n' --from --json --all -h --help) ;;
                *) __supervisor_files -f ;;
            esac
            ;;
        hash-password)
            case ${typed[last - 1]}:$word in
                *:-*) __supervisor_offer "" < <(printf '%s\n' -h --help) ;;
            esac
            ;;
    esac
}

complete -F _supervisord supervisord
