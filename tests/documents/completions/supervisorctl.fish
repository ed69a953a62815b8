# fish completion for supervisorctl(1).
# {{made}}
# Names of processes and groups are the daemon's, which is asked with the options that were typed.

# The words that follow the options, up to the cursor.
function __supervisorctl_words
    set -l typed (commandline -opc)
    set -e typed[1]
    while set -q typed[1]
        switch $typed[1]
            case {{ctl value options}}
                set -e typed[1]
                set -e typed[1]
            case '-*'
                set -e typed[1]
            case '*'
                break
        end
    end
    set -q typed[1]; and printf '%s\n' $typed
end

# Whether the command is one of these; without any, whether there is none yet.
function __supervisorctl_at
    set -l words (__supervisorctl_words)
    if not set -q argv[1]
        not set -q words[1]
    else
        contains -- "$words[1]" $argv
    end
end

# What the daemon that is meant says to a command; nothing if it cannot be asked.
function __supervisorctl_ask
    set -l typed (commandline -opc)
    set -l call $typed[1]
    set -e typed[1]
    while set -q typed[1]
        switch $typed[1]
            case {{ctl leads words}}
                set call $call $typed[1..2]
                set -e typed[1]
            case {{ctl leads joined fish}}
                set call $call $typed[1]
            case {{ctl other value options}}
                set -e typed[1]
            case '-*'
            case '*'
                break
        end
        set -e typed[1]
    end
    set call (string replace -r '^~/' "$HOME/" -- $call) $argv
    command -q timeout; and set call timeout 3 $call
    command $call </dev/null 2>/dev/null
end

function __supervisorctl_processes
    for line in (__supervisorctl_ask status)
        set -l found (string match -r '^(\S+)\s+({{states}})\b' -- $line)
        or continue
        echo $found[2]
        string match -qr ':' -- $found[2]; and string replace -r ':.*' ':*' -- $found[2]
    end | sort -u
end

function __supervisorctl_groups
    for line in (__supervisorctl_ask avail)
        set -l found (string match -r '^([^\s:]+)\S*\s+(?:in use|avail)\b' -- $line)
        and echo $found[2]
    end | sort -u
end

complete -c supervisorctl -f
{{ctl fish options}}
{{ctl fish words}}
