//! Progress of downloads: bars on a terminal, lines in a pipe.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use chemr_data::sources::{Event, FileReport, FileStatus};
use chemr_data::tell;
use indicatif::{DecimalBytes, MultiProgress, ProgressBar, ProgressStyle};

/// Pause between two lines about one file.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows what happens to files, on standard error. Several threads tell it.
pub struct Display {
    /// None in a pipe.
    bars: Option<MultiProgress>,
    files: Mutex<Vec<Row>>,
}

struct Row {
    name: String,
    bar: Option<ProgressBar>,
    total: Option<u64>,
    told: Instant,
}

impl Display {
    /// For files of these names.
    pub fn new(names: impl Iterator<Item = String>) -> Display {
        let bars = std::io::stderr().is_terminal().then(MultiProgress::new);
        let told = Instant::now();
        let files = names.map(|name| Row { name, bar: None, total: None, told }).collect();
        Display { bars, files: Mutex::new(files) }
    }

    pub fn show(&self, event: Event) {
        // A display that failed once is no reason to fail a download.
        let Ok(mut files) = self.files.lock() else { return };
        match event {
            Event::Waiting { folder } => self.line(&waiting(folder)),
            Event::Answered { number, have, total } => {
                let Some(file) = files.get_mut(number) else { return };
                file.total = total;
                if let Some(bars) = &self.bars {
                    let bar = file.bar.get_or_insert_with(|| bars.add(bar(&file.name, total)));
                    if let Some(total) = total {
                        bar.set_length(total);
                    }
                    bar.set_position(have);
                } else if have > 0 {
                    self.line(&format!("{}: going on at {}", file.name, DecimalBytes(have)));
                }
            }
            Event::Received { number, have } => {
                let Some(file) = files.get_mut(number) else { return };
                match &file.bar {
                    Some(bar) => bar.set_position(have),
                    None if file.told.elapsed() >= LINE_EVERY => {
                        file.told = Instant::now();
                        let of = file.total.map_or(String::new(), |total| format!(" of {}", DecimalBytes(total)));
                        self.line(&format!("{}: {}{of}", file.name, DecimalBytes(have)));
                    }
                    None => {}
                }
            }
            Event::Pausing { number, reason, pause } => {
                let Some(file) = files.get(number) else { return };
                self.line(&format!("{}: {reason}; again in {:.1} s", file.name, pause.as_secs_f64()));
            }
            Event::Finished { number, report } => {
                let Some(file) = files.get_mut(number) else { return };
                if let Some(bar) = file.bar.take() {
                    bar.finish_and_clear();
                }
                self.line(&finished(&file.name, report));
            }
        }
    }

    fn line(&self, text: &str) {
        match &self.bars {
            // Fails only where standard error does, which is nothing to tell on standard error.
            Some(bars) => drop(bars.println(text)),
            None => tell!("{text}"),
        }
    }
}

fn waiting(folder: &Path) -> String {
    format!("another chemr downloads into {}; waiting for it", folder.display())
}

fn finished(name: &str, report: &FileReport) -> String {
    let size = report.bytes.map_or(String::new(), |bytes| format!(" ({})", DecimalBytes(bytes)));
    match report.status {
        FileStatus::Fetched => format!("{name}: fetched and checked{size}"),
        FileStatus::Present => format!("{name}: there already, checked{size}"),
        FileStatus::Planned => format!("{name}: would be fetched{size} from {}", report.url),
        FileStatus::Skipped => format!("{name}: not tried"),
        FileStatus::Differs | FileStatus::Failed => {
            format!("{name}: {}", report.message.as_deref().unwrap_or("failed"))
        }
    }
}

fn bar(name: &str, total: Option<u64>) -> ProgressBar {
    let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let template = "{bar:24} {decimal_bytes:>10} of {decimal_total_bytes:<10} {decimal_bytes_per_sec:>12}  {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(name.to_owned());
    bar
}
