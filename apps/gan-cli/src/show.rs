//! `gan report`, `runs`, `log`, `film` and `watch`: what run folders hold, shown.

use crate::args::{FilmFlags, LogFlags, ReportFlags, RunsFlags, WatchFlags};
use crate::failure::Failure;
use gan_report::{RunRecord, RunSummary, watch::Server};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

/// Where runs are, unless somebody says otherwise.
const RUNS: &str = "runs";

/// The page of each run, or one that sets them side by side.
pub fn report(flags: &ReportFlags) -> Result<(), Failure> {
    if flags.compare {
        println!("{}", gan_report::write_comparison(&flags.runs, &flags.out)?.display());
        return Ok(());
    }
    for run in &flags.runs {
        println!("{}", gan_report::write(run)?.display());
        if flags.tensorboard {
            println!("{}", gan_report::tensorboard::write(run)?.display());
        }
    }
    Ok(())
}

/// The runs of a folder, a line each.
pub fn runs(flags: &RunsFlags) -> Result<(), Failure> {
    let folder = flags.folder.as_deref().unwrap_or(Path::new(RUNS));
    let all = gan_report::runs(folder)?;
    if all.is_empty() {
        println!("There are no runs in {}.", folder.display());
    }
    for run in &all {
        println!("{}", line(run));
    }
    Ok(())
}

fn line(run: &RunSummary) -> String {
    let RunSummary { folder, data, model, settings, state, steps_done, steps, best, .. } = run;
    let mut line = folder.display().to_string();
    for what in [data, model].into_iter().flatten() {
        line += &format!("  {what}");
    }
    line += &format!("  step {steps_done}");
    if let Some(steps) = steps {
        line += &format!(" of {steps}");
    }
    line += &format!(", {}", state.label());
    if let Some((metric, score)) = best {
        line += &format!(", best {metric} {score:.4}");
    }
    for (key, value) in settings {
        line += &format!("  {key} = {value}");
    }
    line
}

/// The numbers of a run as a table.
pub fn log(flags: &LogFlags) -> Result<(), Failure> {
    let run = RunRecord::read(&flags.run)?;
    match &flags.csv {
        None => gan_report::csv::write(&run, std::io::stdout().lock())?,
        Some(path) => {
            let file = std::fs::File::create(path).map_err(|error| {
                Failure::other(
                    format!("cannot write {}: {error}", path.display()),
                    "choose a file that can be written",
                )
            })?;
            gan_report::csv::write(&run, file)?;
            println!("{}", path.display());
        }
    }
    Ok(())
}

/// How the samples of the same latents changed.
pub fn film(flags: &FilmFlags) -> Result<(), Failure> {
    println!("{}", gan_report::film::write(&flags.run, &flags.name, &flags.out)?.display());
    Ok(())
}

/// The same page, live.
pub fn watch(flags: &WatchFlags) -> Result<(), Failure> {
    let folder = flags.folder.as_deref().unwrap_or(Path::new(RUNS));
    let server = Server::bind(folder, SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), flags.port))?;
    println!("http://{} shows {}; Ctrl-C ends it.", server.addr(), folder.display());
    Ok(server.run()?)
}
