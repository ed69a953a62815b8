# fish completion for supervisorctl(1).
# Made by tests/documents: UPDATE=1 cargo test --test documents
# Names of processes and groups are the daemon's, which is asked with the options that were typed.

# The words that follow the options, up to the cursor.
function __supervisorctl_words
    set -l typed (commandline -opc)
    set -e typed[1]
    while set -q typed[1]
        switch $typed[1]
            case -c --configuration -s --serverurl -u --username -p --password -r --history-file
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
            case -c --configuration -s --serverurl -u --username -p --password
                set call $call $typed[1..2]
                set -e typed[1]
            case '-c*' '--configuration=*' '-s*' '--serverurl=*' '-u*' '--username=*' '-p*' '--password=*'
                set call $call $typed[1]
            case -r --history-file
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
        set -l found (string match -r '^(\S+)\s+(STOPPED|STARTING|RUNNING|BACKOFF|STOPPING|EXITED|FATAL|UNKNOWN)\b' -- $line)
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
complete -c supervisorctl -n '__supervisorctl_at' -s c -l configuration -r -F -d 'The configuration file; its [supervisorctl] section is read [default: as supervisord]'
complete -c supervisorctl -n '__supervisorctl_at' -s i -l interactive -d 'There is a person to answer questions'
complete -c supervisorctl -n '__supervisorctl_at' -s s -l serverurl -x -a 'unix:/// http:// https://' -d 'Where supervisord listens: unix:///PATH, http://HOST:PORT or https://HOST:PORT'
complete -c supervisorctl -n '__supervisorctl_at' -s u -l username -x -d 'Who asks, if supervisord wants to know'
complete -c supervisorctl -n '__supervisorctl_at' -s p -l password -x -d 'Their password; safer in the configuration file, where no process list shows it'
complete -c supervisorctl -n '__supervisorctl_at' -s r -l history-file -r -F -d 'Where the shell keeps its history'
complete -c supervisorctl -n '__supervisorctl_at' -l json -d 'Answer in JSON (avail, pid, reread, status, version)'
complete -c supervisorctl -n '__supervisorctl_at' -l raw -d 'Show control characters of logs to a terminal as they are'
complete -c supervisorctl -n '__supervisorctl_at' -s h -l help -d 'Print help'
complete -c supervisorctl -n '__supervisorctl_at' -s V -l version -d 'Print version'
complete -c supervisorctl -n __supervisorctl_at -a add -d 'make configured groups active'
complete -c supervisorctl -n '__supervisorctl_at add' -a '(__supervisorctl_groups)'
complete -c supervisorctl -n __supervisorctl_at -a avail -d 'show what is configured, and whether it is in use'
complete -c supervisorctl -n '__supervisorctl_at avail' -l json
complete -c supervisorctl -n __supervisorctl_at -a clear -d 'empty the logs of processes'
complete -c supervisorctl -n '__supervisorctl_at clear' -a '(__supervisorctl_processes)'
complete -c supervisorctl -n '__supervisorctl_at clear' -a 'all'
complete -c supervisorctl -n __supervisorctl_at -a exit -d 'leave the shell'
complete -c supervisorctl -n __supervisorctl_at -a fg -d 'follow a process and write to it'
complete -c supervisorctl -n '__supervisorctl_at fg' -a '(__supervisorctl_processes)'
complete -c supervisorctl -n __supervisorctl_at -a help -d 'list the commands, or explain one'
complete -c supervisorctl -n '__supervisorctl_at help' -a 'add avail clear exit fg help maintail open pid quit reload remove reread restart shutdown signal start status stop tail update version'
complete -c supervisorctl -n __supervisorctl_at -a maintail -d 'show the end of supervisord\'s own log'
complete -c supervisorctl -n '__supervisorctl_at maintail' -s f
complete -c supervisorctl -n __supervisorctl_at -a open -d 'talk to another supervisord'
complete -c supervisorctl -n __supervisorctl_at -a pid -d 'show the process id of supervisord, or of processes'
complete -c supervisorctl -n '__supervisorctl_at pid' -a '(__supervisorctl_processes)'
complete -c supervisorctl -n '__supervisorctl_at pid' -a 'all'
complete -c supervisorctl -n '__supervisorctl_at pid' -l json
complete -c supervisorctl -n __supervisorctl_at -a quit -d 'leave the shell'
complete -c supervisorctl -n __supervisorctl_at -a reload -d 'restart supervisord with all programs'
complete -c supervisorctl -n __supervisorctl_at -a remove -d 'make stopped groups inactive'
complete -c supervisorctl -n '__supervisorctl_at remove' -a '(__supervisorctl_groups)'
complete -c supervisorctl -n __supervisorctl_at -a reread -d 'read the configuration and say what would change'
complete -c supervisorctl -n '__supervisorctl_at reread' -l json
complete -c supervisorctl -n __supervisorctl_at -a restart -d 'stop processes and start them again'
complete -c supervisorctl -n '__supervisorctl_at restart' -a '(__supervisorctl_processes)'
complete -c supervisorctl -n '__supervisorctl_at restart' -a 'all'
complete -c supervisorctl -n __supervisorctl_at -a shutdown -d 'stop all programs and end supervisord'
complete -c supervisorctl -n __supervisorctl_at -a signal -d 'send processes a signal, by name or number'
complete -c supervisorctl -n '__supervisorctl_at signal; and test (count (__supervisorctl_words)) -eq 1' -a 'HUP INT QUIT ABRT KILL USR1 USR2 ALRM TERM CONT STOP TSTP TTIN TTOU WINCH'
complete -c supervisorctl -n '__supervisorctl_at signal; and test (count (__supervisorctl_words)) -gt 1' -a '(__supervisorctl_processes)'
complete -c supervisorctl -n '__supervisorctl_at signal' -a 'all'
complete -c supervisorctl -n __supervisorctl_at -a start -d 'start processes'
complete -c supervisorctl -n '__supervisorctl_at start' -a '(__supervisorctl_processes)'
complete -c supervisorctl -n '__supervisorctl_at start' -a 'all'
complete -c supervisorctl -n __supervisorctl_at -a status -d 'show states, and what there is to say about them'
complete -c supervisorctl -n '__supervisorctl_at status' -a '(__supervisorctl_processes)'
complete -c supervisorctl -n '__supervisorctl_at status' -a 'all'
complete -c supervisorctl -n '__supervisorctl_at status' -l json
complete -c supervisorctl -n __supervisorctl_at -a stop -d 'stop processes'
complete -c supervisorctl -n '__supervisorctl_at stop' -a '(__supervisorctl_processes)'
complete -c supervisorctl -n '__supervisorctl_at stop' -a 'all'
complete -c supervisorctl -n __supervisorctl_at -a tail -d 'show the end of a process\'s log'
complete -c supervisorctl -n '__supervisorctl_at tail' -a '(__supervisorctl_processes)'
complete -c supervisorctl -n '__supervisorctl_at tail' -s f
complete -c supervisorctl -n '__supervisorctl_at tail' -a 'stdout'
complete -c supervisorctl -n '__supervisorctl_at tail' -a 'stderr'
complete -c supervisorctl -n __supervisorctl_at -a update -d 'read the configuration and apply what changed'
complete -c supervisorctl -n '__supervisorctl_at update' -a '(__supervisorctl_groups)'
complete -c supervisorctl -n '__supervisorctl_at update' -a 'all'
complete -c supervisorctl -n __supervisorctl_at -a version -d 'show supervisord\'s version'
complete -c supervisorctl -n '__supervisorctl_at version' -l json
