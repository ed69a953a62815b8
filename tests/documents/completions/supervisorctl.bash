# bash completion for supervisorctl(1).                                     -*- shell-script -*-
# {{made}}
# Names of processes and groups are the daemon's, which is asked with the options that were typed.

{{common}}
_supervisorctl() {
    local -a typed=() ctl=()
    local word
    COMPREPLY=()
    __supervisor_typed
    ctl=("${typed[0]}")
    # An alias is nothing that could be asked.
    type -P "${typed[0]/#\~\//$HOME/}" >/dev/null || ctl=(supervisorctl)
    __supervisorctl_words 1
}

complete -F _supervisorctl supervisorctl
