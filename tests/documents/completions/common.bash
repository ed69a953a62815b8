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
        LEVEL) __supervisor_offer "$2" < <(printf '%s\n' {{levels}}) ;;
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
            {{states}})
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
{{ctl values}}
            -*) ;;
            *) break ;;
        esac
        if [[ -n $value ]] && ((at + 1 == last)); then
            __supervisor_value "$value" ""
            return
        fi
        case ${typed[at]} in
            {{ctl leads}}) options+=("${typed[at]}" "${typed[at + 1]}") ;;
            {{ctl leads joined}}) options+=("${typed[at]}") ;;
        esac
        [[ -z $value ]] || at=$((at + 1))
        at=$((at + 1))
    done
    if ((at >= last)); then
        case $word in
{{ctl joined}}
            -*) __supervisor_offer "" < <(printf '%s\n' {{ctl options}}) ;;
            *) __supervisor_offer "" < <(printf '%s\n' {{ctl commands}}) ;;
        esac
        return
    fi
    command=${typed[at]}
    case $command in
{{ctl words}}
    esac
    [[ $names != signals ]] || ((at + 1 == last)) || names=processes
    case $names in
        processes) __supervisor_offer "" < <(__supervisorctl_processes) ;;
        groups) __supervisor_offer "" < <(__supervisorctl_groups) ;;
        commands) __supervisor_offer "" < <(printf '%s\n' {{ctl commands}}) ;;
        signals) __supervisor_offer "" < <(printf '%s\n' {{signals}}) ;;
    esac
    # shellcheck disable=SC2086
    [[ -z $words ]] || __supervisor_offer "" < <(printf '%s\n' $words)
}
