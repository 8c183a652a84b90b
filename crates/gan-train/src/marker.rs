//! How a folder is known to be that of a run.

use crate::checkpoint::Checkpoint;
use crate::config::TrainConfig;
use crate::error::{Error, Result};
use crate::file_names::{CONFIG, MARKER};
use crate::files;
use crate::metrics_log::MetricsLog;
use gan_models::files::write_whole;
use std::path::Path;

/// What the marker says. Folders of runs made before there was one get it when they are gone on with.
const TEXT: &str = "This is the folder of a run of gan.\n";

/// Marks a folder as that of a run, if it is not yet.
pub(crate) fn mark(run: &Path) -> Result<()> {
    let path = run.join(MARKER);
    if is_marked(run) {
        Ok(())
    } else {
        write_whole(&path, TEXT.as_bytes()).map_err(Error::file("write", &path))
    }
}

/// Whether a folder is marked as that of a run.
pub(crate) fn is_marked(run: &Path) -> bool {
    files::read(&run.join(MARKER), 4096).is_ok_and(|text| text.starts_with(TEXT.as_bytes()))
}

/// Makes sure that a folder is that of a run. It is only read: a `config.toml` alone may be anybody's.
pub(crate) fn expect_run(run: &Path) -> Result<()> {
    let refuse = |why: &str| Err(Error::NotARun { path: run.to_path_buf(), why: why.into() });
    if is_marked(run) {
        return Ok(());
    }
    let config = match files::read(&run.join(CONFIG), files::MOST_OF_CONFIG) {
        Ok(config) => config,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return refuse("it has no config.toml"),
        Err(error) => return refuse(&format!("its config.toml cannot be read: {error}")),
    };
    if !str::from_utf8(&config).is_ok_and(|text| TrainConfig::from_toml(text).is_ok()) {
        return refuse("its config.toml is not one of gan");
    }
    let is_ours = |path: &Path| Checkpoint::record_of(path).is_ok();
    if MetricsLog::of(run).begins_with_a_step()
        || Checkpoint::list(run)?.iter().any(|(_, path)| is_ours(path))
    {
        return Ok(());
    }
    refuse("beside its config.toml there is no metrics.jsonl or checkpoint of gan")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_config_alone_makes_no_run_but_a_marker_or_a_log_beside_it_does() {
        let folder = tempfile::tempdir().unwrap();
        let (run, path) = (folder.path(), |name: &str| folder.path().join(name));
        let why = || expect_run(run).unwrap_err().to_string();
        assert!(why().ends_with("it has no config.toml"), "{}", why());
        fs::write(path("config.toml"), "[package]\nname = 'other'\n").unwrap();
        fs::write(path("metrics.jsonl"), "{\"step\":1}\n").unwrap();
        assert!(why().ends_with("its config.toml is not one of gan"), "{}", why());
        fs::write(path("config.toml"), "seed = 1\n").unwrap();
        expect_run(run).unwrap();
        fs::write(path("metrics.jsonl"), "{\"loss\":1}\n").unwrap();
        assert!(why().ends_with("no metrics.jsonl or checkpoint of gan"), "{}", why());
        fs::write(path(MARKER), "something else\n").unwrap();
        assert!(expect_run(run).is_err());
        mark(run).unwrap();
        expect_run(run).unwrap();
    }
}
