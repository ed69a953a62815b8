# fish completion for supervisord(8).
# Made by tests/documents: UPDATE=1 cargo test --test documents

# What `supervisorctl` has for the words after `supervisord ctl`.
function __supervisord_ctl
    set -l typed (commandline -opc)
    set -l at (contains -i -- ctl $typed)
    or return
    set -l words supervisorctl (string escape -- $typed[(math $at + 1)..-1])
    complete -C "$words "(commandline -ct)
end

complete -c supervisord -f
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -s c -l configuration -r -F -d 'The configuration file; without it, the usual places are searched'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -s n -l nodaemon -d 'Stay in the foreground'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -s s -l silent -d 'Do not log to standard output in the foreground'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -s u -l user -x -a '(__fish_complete_users)' -d 'Become this user, by name or id'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -s m -l umask -x -d 'The daemon\'s file mode mask'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -s d -l directory -x -a '(__fish_complete_directories)' -d 'Go to this directory when daemonizing'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -s l -l logfile -r -F -d 'The activity log'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -s y -l logfile_maxbytes -x -d 'Rotate the activity log at this size'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -s z -l logfile_backups -x -d 'Keep so many rotated activity logs'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -s e -l loglevel -x -a 'critical error warn info debug trace blather' -d 'The least that is logged: critical, error, warn, info, debug, trace or blather'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -s j -l pidfile -r -F -d 'Where to write the process id'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -s i -l identifier -x -d 'What this daemon is called'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -s q -l childlogdir -x -a '(__fish_complete_directories)' -d 'Where AUTO logs go: those of programs that name no file'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -s k -l nocleanup -d 'Keep the AUTO logs of earlier runs'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -s a -l minfds -x -d 'The descriptors that must be available'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -s t -l strip_ansi -d 'Remove terminal escapes from programs\' output'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -l minprocs -x -d 'The processes that must be available'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -s v -l version -d 'Print the version and exit'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -s h -l help -d 'Print help'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -a ctl -d 'Control a running supervisord, as supervisorctl does'
complete -c supervisord -n '__fish_seen_subcommand_from ctl' -a '(__supervisord_ctl)'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -a check -d 'Check a configuration file: exit status 0 if it can be used, 2 if not'
complete -c supervisord -n '__fish_seen_subcommand_from check' -F
complete -c supervisord -n '__fish_seen_subcommand_from check' -l json -d 'Report as JSON'
complete -c supervisord -n '__fish_seen_subcommand_from check' -s h -l help -d 'Print help'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -a migrate -d 'Tell line by line what differs here for an installation of Supervisor or ochinchina/supervisord'
complete -c supervisord -n '__fish_seen_subcommand_from migrate' -F
complete -c supervisord -n '__fish_seen_subcommand_from migrate' -l from -x -a 'supervisor go' -d 'Whose configuration it is; without it, that is recognised by what is in it'
complete -c supervisord -n '__fish_seen_subcommand_from migrate' -l json -d 'Report as JSON'
complete -c supervisord -n '__fish_seen_subcommand_from migrate' -l all -d 'Tell also of the lines that mean the same'
complete -c supervisord -n '__fish_seen_subcommand_from migrate' -s h -l help -d 'Print help'
complete -c supervisord -n 'not __fish_seen_subcommand_from ctl check migrate hash-password' -a hash-password -d 'Ask for a password, or read it from standard input, and print its hash for password='
complete -c supervisord -n '__fish_seen_subcommand_from hash-password' -s h -l help -d 'Print help'
