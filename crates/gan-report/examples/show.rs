//! Shows runs from the command line:
//!
//! ```text
//! cargo run -p gan-report --example show -- page RUN            RUN/report.html
//! cargo run -p gan-report --example show -- compare OUT RUN...  a page of several runs
//! cargo run -p gan-report --example show -- watch FOLDER        a live page on port 8000
//! cargo run -p gan-report --example show -- tensorboard RUN     RUN/tensorboard
//! cargo run -p gan-report --example show -- csv RUN             a table on standard output
//! cargo run -p gan-report --example show -- film RUN OUT        a film of the samples
//! ```

#![allow(clippy::print_stdout)] // a program prints

use gan_report::{RunRecord, csv, film, tensorboard, watch, write, write_comparison};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match show(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}\n hint: {}", error.hint());
            ExitCode::FAILURE
        }
    }
}

fn show(args: &[&str]) -> gan_report::Result<()> {
    match args {
        ["page", run] => println!("{}", write(run)?.display()),
        ["compare", out, runs @ ..] => println!("{}", write_comparison(runs, out)?.display()),
        ["tensorboard", run] => println!("{}", tensorboard::write(run)?.display()),
        ["csv", run] => csv::write(&RunRecord::read(run)?, std::io::stdout().lock())?,
        ["film", run, out] => println!("{}", film::write(run, "", out)?.display()),
        ["watch", folder] => {
            let server = watch::Server::bind(folder, ([127, 0, 0, 1], 8000).into())?;
            println!("http://{}", server.addr());
            server.run()?;
        }
        _ => println!("see the first lines of examples/show.rs"),
    }
    Ok(())
}
