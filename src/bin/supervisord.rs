//! The daemon, and under `supervisord ctl` its control program.

fn main() -> std::process::ExitCode {
    let status = supervisord::daemon::main();
    std::process::ExitCode::from(u8::try_from(status).unwrap_or(1))
}
