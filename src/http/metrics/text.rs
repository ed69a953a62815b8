//! Figures as text: OpenMetrics 1.0, or Prometheus's own format 0.0.4, which differs in a few
//! names and the last line.

use std::fmt::{Display, Write};

use crate::model::histogram::{BOUNDS_MICROS, Counts};

/// In which of the two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus 0.0.4.
    Prometheus,
}

/// What a family's figures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from zero.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts in ranges.
    Histogram,
    /// One, with what is told in its labels.
    Info,
}

/// The labels of a figure.
pub type Labels<'a> = &'a [(&'static str, &'a str)];

/// The text as far as it is written.
#[derive(Debug)]
pub struct Text {
    format: Format,
    out: String,
    /// What the samples of the present family are called.
    sample: String,
}

impl Format {
    /// The format that is best for who accepts this (RFC 9110, "Accept").
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        let takes_open_metrics = accept.split(',').any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let is_it = parts.next().is_some_and(|media_type| {
                media_type.eq_ignore_ascii_case("application/openmetrics-text")
            });
            is_it
                && parts.all(|parameter| match parameter.split_once('=') {
                    Some(("version", version)) => version.trim_matches('"') == "1.0.0",
                    Some(("q", weight)) => weight.parse::<f32>().is_ok_and(|weight| weight > 0.0),
                    _ => true,
                })
        });
        if takes_open_metrics { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

impl Text {
    /// Nothing yet.
    #[must_use]
    pub fn new(format: Format, room: usize) -> Self {
        Self { format, out: String::with_capacity(room), sample: String::new() }
    }

    /// Begins a family: its name without `_total` or `_info`, and what it is about, in a sentence
    /// without a line end. Its figures follow, and nothing else in between.
    pub fn family(&mut self, kind: Kind, name: &str, help: &str) {
        let suffix = match kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        self.sample.clear();
        self.sample.push_str(name);
        self.sample.push_str(suffix);
        let (called, word) = match self.format {
            Format::OpenMetrics => (name, kind.name()),
            // It knows no infos, and its families are called as their samples.
            Format::Prometheus if kind == Kind::Info => (self.sample.as_str(), Kind::Gauge.name()),
            Format::Prometheus => (self.sample.as_str(), kind.name()),
        };
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(self.out, "# TYPE {called} {word}");
        if self.format == Format::OpenMetrics
            && let Some(unit) = ["seconds", "bytes"]
                .into_iter()
                .find(|unit| name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_')))
        {
            let _ = writeln!(self.out, "# UNIT {called} {unit}");
        }
        let _ = writeln!(self.out, "# HELP {called} {help}");
    }

    /// A figure of the present family.
    pub fn figure(&mut self, labels: Labels<'_>, value: impl Display) {
        self.out.push_str(&self.sample);
        self.labels(labels, None);
        let _ = writeln!(self.out, " {value}");
    }

    /// The figures of one histogram of the present family.
    pub fn histogram(&mut self, labels: Labels<'_>, counts: &Counts) {
        let bounds = BOUNDS_MICROS.iter().map(|&bound| seconds(bound));
        let mut sum = 0;
        for (count, bound) in counts.ranges.iter().zip(bounds.chain(["+Inf".to_owned()])) {
            sum += count;
            self.out.push_str(&self.sample);
            self.out.push_str("_bucket");
            self.labels(labels, Some(&bound));
            let _ = writeln!(self.out, " {sum}");
        }
        for (suffix, value) in [("_sum", seconds(counts.sum_micros)), ("_count", sum.to_string())] {
            self.out.push_str(&self.sample);
            self.out.push_str(suffix);
            self.labels(labels, None);
            let _ = writeln!(self.out, " {value}");
        }
    }

    /// The whole text.
    #[must_use]
    pub fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }

    fn labels(&mut self, labels: Labels<'_>, bound: Option<&str>) {
        let all = labels.iter().copied().chain(bound.map(|bound| ("le", bound)));
        let mut before = '{';
        for (name, value) in all {
            self.out.push(before);
            before = ',';
            self.out.push_str(name);
            self.out.push_str("=\"");
            for c in value.chars() {
                match c {
                    '\\' => self.out.push_str("\\\\"),
                    '"' => self.out.push_str("\\\""),
                    '\n' => self.out.push_str("\\n"),
                    c => self.out.push(c),
                }
            }
            self.out.push('"');
        }
        if before == ',' {
            self.out.push('}');
        }
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }
}

/// Microseconds as seconds, with a point in any case, as OpenMetrics wants bounds to be.
fn seconds(micros: u64) -> String {
    format!("{:?}", micros as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::Histogram;

    #[test]
    fn who_accepts_openmetrics_gets_it() {
        let check = |accept: &str, expected: Format| {
            assert_eq!(Format::accepted(accept), expected, "{accept}");
        };
        check("", Format::Prometheus);
        check("*/*", Format::Prometheus);
        check("text/plain;version=0.0.4", Format::Prometheus);
        check("application/openmetrics-text", Format::OpenMetrics);
        check("application/openmetrics-text;version=0.0.1", Format::Prometheus);
        check("application/openmetrics-text; version=1.0.0; q=0", Format::Prometheus);
        check(
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.4",
            Format::OpenMetrics,
        );
        check("text/html, Application/OpenMetrics-Text;q=0.5", Format::OpenMetrics);
    }

    fn write(format: Format) -> String {
        let mut text = Text::new(format, 0);
        text.family(Kind::Info, "a_build", "What it is.");
        text.figure(&[("version", "1")], 1);
        text.family(Kind::Counter, "b_cpu_seconds", "Time.");
        text.figure(&[("name", "a\\b\"c\nd"), ("group", "ż")], 1.5);
        text.family(Kind::Gauge, "c", "Some.");
        text.figure(&[], -1);
        let histogram = Histogram::default();
        histogram.add(Duration::from_millis(1));
        histogram.add(Duration::from_secs(60));
        text.family(Kind::Histogram, "d_seconds", "Long.");
        text.histogram(&[("x", "y")], &histogram.counts());
        text.finish()
    }

    #[test]
    fn each_format_is_written_as_it_wants_to_be() {
        let buckets = [
            ("0.0001", 0),
            ("0.0005", 0),
            ("0.001", 1),
            ("0.005", 1),
            ("0.01", 1),
            ("0.05", 1),
            ("0.1", 1),
            ("0.5", 1),
            ("1.0", 1),
            ("10.0", 1),
            ("+Inf", 2),
        ];
        let buckets: String = buckets
            .iter()
            .map(|(bound, count)| format!("d_seconds_bucket{{x=\"y\",le=\"{bound}\"}} {count}\n"))
            .collect();
        let samples = "b_cpu_seconds_total{name=\"a\\\\b\\\"c\\nd\",group=\"ż\"} 1.5\n";
        let open = format!(
            "# TYPE a_build info\n# HELP a_build What it is.\na_build_info{{version=\"1\"}} 1\n\
             # TYPE b_cpu_seconds counter\n# UNIT b_cpu_seconds seconds\n\
             # HELP b_cpu_seconds Time.\n{samples}\
             # TYPE c gauge\n# HELP c Some.\nc -1\n\
             # TYPE d_seconds histogram\n# UNIT d_seconds seconds\n# HELP d_seconds Long.\n\
             {buckets}d_seconds_sum{{x=\"y\"}} 60.001\nd_seconds_count{{x=\"y\"}} 2\n# EOF\n"
        );
        assert_eq!(write(Format::OpenMetrics), open);
        let prometheus = open
            .replace("# TYPE a_build info", "# TYPE a_build_info gauge")
            .replace("# HELP a_build ", "# HELP a_build_info ")
            .replace("# TYPE b_cpu_seconds ", "# TYPE b_cpu_seconds_total ")
            .replace("# HELP b_cpu_seconds ", "# HELP b_cpu_seconds_total ")
            .replace("# UNIT b_cpu_seconds seconds\n", "")
            .replace("# UNIT d_seconds seconds\n", "")
            .replace("# EOF\n", "");
        assert_eq!(write(Format::Prometheus), prometheus);
    }
}
