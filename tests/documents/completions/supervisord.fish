# fish completion for supervisord(8).
# {{made}}

# What `supervisorctl` has for the words after `supervisord ctl`.
function __supervisord_ctl
    set -l typed (commandline -opc)
    set -l at (contains -i -- ctl $typed)
    or return
    set -l words supervisorctl (string escape -- $typed[(math $at + 1)..-1])
    complete -C "$words "(commandline -ct)
end

complete -c supervisord -f
{{daemon fish options}}
{{daemon fish words}}
