# bash completion for supervisord(8).                                       -*- shell-script -*-
# {{made}}

{{common}}
_supervisord() {
    local -a typed=() ctl=()
    local word value at=1 last
    COMPREPLY=()
    __supervisor_typed
    last=$((${#typed[@]} - 1))
    while ((at < last)); do
        value=
        case ${typed[at]} in
{{daemon values}}
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
{{daemon joined}}
            -*) __supervisor_offer "" < <(printf '%s\n' {{daemon options}}) ;;
            *) __supervisor_offer "" < <(printf '%s\n' {{daemon subcommands}}) ;;
        esac
        return
    fi
    case ${typed[at]} in
        ctl)
            ctl=("${typed[0]}" ctl)
            __supervisorctl_words $((at + 1))
            ;;
{{daemon words}}
    esac
}

complete -F _supervisord supervisord
