//! `/conf/{name}`: the file that a program's `conf_file` names.

use crate::api::log::open_file;
use crate::api::process;
use crate::http::request::Call;
use crate::model::{Error, ErrorKind};

use super::detail::settings_of;
use super::{Answered, log};

/// The file as text. Which one it is says the configuration, never whoever asks.
pub async fn conf(call: &Call) -> Answered {
    let name = call.capture("name");
    let id = process::named(&call.api.snapshot(), name)?.id.clone();
    let config = call.api.config();
    let settings = settings_of(&config, &id).ok_or_else(|| Error::new(ErrorKind::BadName, name))?;
    let path = settings
        .conf_file
        .clone()
        .ok_or_else(|| Error::new(ErrorKind::NoFile, format!("{name} has no conf_file")))?;
    log::read(open_file(path).await?, call.header("range")).await
}
