//! The page of a run, and the comparison of several.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use common::{Run, picture};
use gan_report::{RunRecord, compare, render, write, write_comparison};

fn page(run: &Run) -> String {
    render(&RunRecord::read(&run.path).unwrap())
}

/// What is between two marks, each time.
fn between<'a>(text: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    text.split(from).skip(1).map(|rest| rest.split(to).next().unwrap()).collect()
}

#[test]
fn the_page_shows_the_run() {
    let run = Run::small();
    run.write(
        "health.json",
        r#"[{"verdict": "all is well", "severity": "good", "evidence": "e"},
        {"verdict": "mode collapse", "severity": "bad", "evidence": "3 of 10", "remedy": "gan train --lr 1",
        "step": 12}]"#,
    );
    run.write("events.jsonl", "{\"event\":\"rollback\",\"step\":50}\n");
    let page = page(&run);
    for shown in [
        "0001",
        "complete",
        "100 of 100",
        "Losses",
        "errD",
        "D(x)",
        "grad",
        "logarithmic scale",
        "fd_digits",
        "best <b>100</b> at step 100",
        "Learning rates",
        "training",
        "dataset",
        "rollback",
        "gan train --lr 1",
        "gan train --config",
        "Real images",
        "step 100",
    ] {
        assert!(page.contains(shown), "{shown} is not on the page");
    }
    assert!(
        page.find("mode collapse").unwrap() < page.find("all is well").unwrap(),
        "the worst stands first"
    );
    assert!(page.find("all is well").unwrap() < page.find("<svg").unwrap());
    assert!(!page.contains("Left out"));
}

#[test]
fn it_is_written_whole_beside_the_run() {
    let run = Run::small();
    let path = write(&run.path).unwrap();
    assert_eq!(path, run.path.join("report.html"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), page(&run));
    let left = std::fs::read_dir(&run.path).unwrap().flatten();
    assert!(left.into_iter().all(|entry| !entry.file_name().to_string_lossy().contains(".part")));
}

#[test]
fn it_refers_to_nothing_outside_and_is_told_not_to() {
    let page = page(&Run::small());
    let sources = between(&page, "src=\"", "\"");
    assert_eq!(sources.len(), 4, "three steps and the real images");
    assert!(sources.iter().all(|source| source.starts_with("data:image/")));
    assert!(!page.contains("http://") && !page.contains("https://"));
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\"")[0];
    assert!(policy.starts_with("default-src 'none'; img-src data:;"), "{policy}");
    assert!(!policy.contains("connect-src") && !between(policy, "script-src", ";")[0].contains("unsafe"));
}

#[test]
fn without_javascript_the_newest_samples_are_shown() {
    let page = page(&Run::small());
    let images: Vec<&str> =
        between(&page, "<img ", ">").into_iter().filter(|img| img.contains("data-step")).collect();
    let shown: Vec<&&str> = images.iter().filter(|img| !img.ends_with("hidden")).collect();
    assert_eq!(images.len(), 3);
    assert!(shown.len() == 1 && shown[0].contains("data-step=\"100\""));
    assert!(page.contains("<label class=\"slider\" hidden>"), "a slider that does nothing is not shown");
}

#[test]
fn nothing_from_the_files_becomes_html() {
    let evil = "</script></style></svg><img src=x onerror=alert(1)>\\\"'&";
    let run = Run::small();
    run.write(
        "report.json",
        format!(r#"{{"title": "{evil}", "data": "{evil}", "model": "{evil}", "command": "{evil}"}}"#),
    );
    run.write(
        "health.json",
        format!(r#"[{{"verdict": "{evil}", "evidence": "{evil}", "remedy": "{evil}"}}]"#),
    );
    run.write("best.json", format!(r#"{{"step": 1, "metric": "{evil}", "score": 1}}"#));
    run.write("numbers.json", format!(r#"{{"errD": {{"kind": "loss", "label": "{evil}"}}}}"#));
    run.write("events.jsonl", format!("{{\"event\":\"{evil}\",\"{evil}\":\"{evil}\"}}\n"));
    run.write(
        "metrics.jsonl",
        format!("{{\"step\":1,\"errD\":1,\"{evil}\":2}}\n{{\"step\":2,\"errD\":1,\"{evil}\":3}}\n"),
    );
    run.write(
        "config.toml",
        format!("\"{evil}\" = \"{evil}\"\n[\"{evil}\"]\na = '{}'\n", evil.replace('\'', "")),
    );
    picture(&run.path.join("samples/step-000001-<b onclick=x>.png"), 4, [0; 3]);
    let record = RunRecord::read(&run.path).unwrap();
    for page in [render(&record), compare(&[record.clone(), record.clone()])] {
        assert!(page.contains("&lt;img src=x"));
        assert!(!page.contains("<img src=x") && !page.contains("<b onclick"));
        // Its own two ends, and nobody else's.
        assert_eq!((page.matches("</script>").count(), page.matches("</style>").count()), (1, 1));
        assert_eq!(page.matches("</svg>").count(), page.matches("<svg").count());
    }
}

#[test]
fn many_large_grids_stay_under_three_megabytes_with_the_first_last_and_best() {
    let run = Run::empty("0001");
    for step in 1..=120 {
        picture(&run.path.join(format!("samples/step-{step:06}.png")), 200, [step, 0, 90]);
    }
    run.write("best.json", r#"{"step": 37, "metric": "fd_digits", "score": 1.0}"#);
    let line =
        |step: u64| format!("{{\"step\":{step},\"errD\":{},\"errG\":{}}}\n", (step * 7919) % 1000, step);
    run.write("metrics.jsonl", (0..20_000).map(line).collect::<String>());
    let page = page(&run);
    assert!(page.len() < 3_000_000, "{}", page.len());
    for step in [1, 37, 120] {
        assert!(page.contains(&format!("data-step=\"{step}\"")), "{step}");
    }
    let shown = page.matches("data-step").count();
    assert!(shown > 5 && page.contains(&format!("shown: {shown} of 120 steps")), "{shown}");
}

#[test]
fn a_page_stays_small_whatever_is_in_the_files() {
    let run = Run::small();
    let long = "long ".repeat(100_000);
    run.write("report.json", format!(r#"{{"title": "{long}", "data": "{long}"}}"#));
    run.write("health.json", format!(r#"[{{"verdict": "{long}", "evidence": "{long}"}}]"#));
    run.write("events.jsonl", format!("{{\"event\":\"{long}\",\"why\":\"{long}\"}}\n"));
    run.write("config.toml", format!("a = \"{long}\"\n"));
    let numbers = (0..600).map(|i| format!(",\"number {i}\":{i}")).collect::<String>();
    let lines = (0..100).map(|step| format!("{{\"step\":{step},\"{long}\":1{numbers}}}\n"));
    run.write("metrics.jsonl", lines.collect::<String>());
    let record = RunRecord::read(&run.path).unwrap();
    let page = render(&record);
    assert!(page.len() < 1_000_000, "{}", page.len());
    assert_eq!(record.metrics.series.len(), 500);
    assert!(page.contains("Left out") && page.contains("more than 500 numbers"));
}

#[test]
fn a_picture_that_is_damaged_is_named_and_the_one_before_it_shown() {
    let run = Run::small();
    run.write("samples/step-000150.png", b"\x89PNG\r\n\x1a\nbroken off");
    let page = page(&run);
    assert!(page.contains("Left out") && page.contains("step-000150.png"));
    assert!(page.contains("<output>step 100</output>"));
}

#[test]
fn numbers_that_nobody_knows_are_drawn_each_by_itself() {
    let run = Run::empty("0001");
    run.write(
        "metrics.jsonl",
        "{\"step\":1,\"energy\":1,\"spin\":2}\n{\"step\":2,\"energy\":2,\"spin\":1}\n",
    );
    let page = page(&run);
    assert_eq!(page.matches("<figure class=\"chart\">").count(), 2);
    assert!(page.contains("<h3>energy</h3>") && page.contains("<h3>spin</h3>"));
}

#[test]
fn the_comparison_shows_what_differs_and_the_curves_together() {
    let (one, two) = (Run::small(), Run::small());
    two.write(
        "config.toml",
        "recipe = \"none\"\n[data]\ndataset = \"digits\"\n[training]\nsteps = 200\nlr = 0.0002\n",
    );
    two.write("report.json", r#"{"title": "longer", "state": "stopped"}"#);
    let out = one.root.path().join("comparison.html");
    write_comparison(&[&one.path, &two.path], &out).unwrap();
    let page = std::fs::read_to_string(out).unwrap();
    for shown in ["training.steps", "longer", "stopped", "complete", "fd_digits", "Newest samples of longer"]
    {
        assert!(page.contains(shown), "{shown} is not on the page");
    }
    assert!(!page.contains("training.lr"), "they do not differ in it");
    let losses = between(&page, "<h3>errD</h3>", "</figure>")[0];
    assert!(losses.contains("class=\"s0\"") && losses.contains("class=\"s1\""));
    assert!(write_comparison(&[] as &[&str], "never.html").is_err());
}

#[test]
fn scores_are_called_by_the_features_that_they_are_of() {
    let run = Run::small();
    run.write("metrics.jsonl", "{\"step\":1,\"fd\":9.5}\n{\"step\":2,\"fd\":3.25}\n");
    let features =
        r#"{"step": 2, "metric": "fd", "score": 3.25, "protocol": {"features": "digits <b>", "n": 5}}"#;
    run.write("best.json", features);
    let page = page(&run);
    assert_eq!(page.matches("FD (digits &lt;b&gt;)").count(), page.matches("FD (").count());
    assert!(page.contains("Best FD (digits &lt;b&gt;)") && !page.contains("digits <b>"));
}
