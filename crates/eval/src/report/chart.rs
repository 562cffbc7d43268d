//! Line charts as inline SVG. Colours come from the page's style (`.c0` to `.c7`), so that both themes work.

use std::fmt::Write;

/// Drawing area, in SVG units.
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 34.0;

/// A line shows at most this many points; more are averaged in equal stretches.
pub(super) const MAX_POINTS: usize = 120;

/// One line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    /// Name for the text alternative.
    pub name: String,
    /// Number of the colour and dash class.
    pub class: usize,
    /// Points by rising x; all finite.
    pub points: Vec<(f64, f64)>,
}

/// A chart with its axes.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    pub title: String,
    pub x_label: String,
    /// Lower and upper end of the y axis; found from the data where `None`.
    pub y_low: Option<f64>,
    pub y_high: Option<f64>,
    /// Shares are labelled in per cent.
    pub percent: bool,
    pub series: Vec<Series>,
}

impl Chart {
    /// The chart as an `<svg>` element; `None` when no line has a point.
    pub fn svg(&self) -> Option<String> {
        let points = || self.series.iter().flat_map(|series| series.points.iter());
        let (mut x_low, mut x_high) = range(points().map(|point| point.0))?;
        let (y_min, y_max) = range(points().map(|point| point.1))?;
        if x_low == x_high {
            (x_low, x_high) = (x_low - 0.5, x_high + 0.5);
        }
        let (mut y_low, mut y_high) = (self.y_low.unwrap_or(y_min), self.y_high.unwrap_or(y_max));
        if y_high <= y_low {
            (y_low, y_high) = (y_low.min(y_min) - 0.5, y_low.max(y_max) + 0.5);
        }
        let y_ticks = ticks(y_low, y_high, 5);
        // The axis ends on ticks, so that no line leaves the labelled range.
        if self.y_high.is_none() {
            y_high = y_high.max(next_tick(&y_ticks, y_high));
        }
        let x = |value: f64| LEFT + (value - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| {
            let share = ((value - y_low) / (y_high - y_low)).clamp(0.0, 1.0);
            HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
        };
        let mut svg = format!(
            r#"<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#,
            escape(&self.description())
        );
        for tick in ticks(y_low, y_high, 5) {
            let _ = write!(
                svg,
                r#"<line class="grid" x1="{LEFT}" x2="{:.1}" y1="{:.1}" y2="{:.1}"/><text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
                WIDTH - RIGHT,
                y(tick),
                y(tick),
                LEFT - 6.0,
                y(tick) + 3.5,
                escape(&self.y_text(tick))
            );
        }
        for tick in ticks(x_low, x_high, 5) {
            let _ = write!(
                svg,
                r#"<line class="mark" x1="{:.1}" x2="{:.1}" y1="{:.1}" y2="{:.1}"/><text class="tick" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                x(tick),
                x(tick),
                HEIGHT - BOTTOM,
                HEIGHT - BOTTOM + 4.0,
                x(tick),
                HEIGHT - BOTTOM + 16.0,
                number(tick)
            );
        }
        let _ = write!(
            svg,
            r#"<line class="axis" x1="{LEFT}" x2="{:.1}" y1="{:.1}" y2="{:.1}"/><text class="label" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            WIDTH - RIGHT,
            HEIGHT - BOTTOM,
            HEIGHT - BOTTOM,
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 3.0,
            escape(&self.x_label)
        );
        for series in &self.series {
            let places: Vec<String> =
                thin(&series.points).iter().map(|(px, py)| format!("{:.1},{:.1}", x(*px), y(*py))).collect();
            let name = escape(&series.name);
            match places.as_slice() {
                [] => {}
                [only] => {
                    let (px, py) = only.split_once(',').unwrap_or(("0", "0"));
                    let _ = write!(
                        svg,
                        r#"<circle class="dot c{}" cx="{px}" cy="{py}" r="3"><title>{name}</title></circle>"#,
                        series.class
                    );
                }
                places => {
                    let _ = write!(
                        svg,
                        r#"<polyline class="line c{}" points="{}"><title>{name}</title></polyline>"#,
                        series.class,
                        places.join(" ")
                    );
                }
            }
        }
        svg.push_str("</svg>");
        Some(svg)
    }

    /// Text alternative: first and last value of every line.
    fn description(&self) -> String {
        let mut text = format!("{}.", self.title);
        for series in &self.series {
            if let (Some(first), Some(last)) = (series.points.first(), series.points.last()) {
                let _ = write!(text, " {}: from {} to {}.", series.name, self.y_text(first.1), self.y_text(last.1));
            }
        }
        text
    }

    fn y_text(&self, value: f64) -> String {
        if self.percent { format!("{} %", number(value * 100.0)) } else { number(value) }
    }
}

/// Smallest and largest of finite values.
fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|value| value.is_finite()).fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((low, high)) => Some((value.min(low), value.max(high))),
    })
}

/// Round values inside the range, about `wanted` of them.
fn ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let raw = (high - low) / wanted as f64;
    if raw.is_nan() || raw <= 0.0 || !raw.is_finite() {
        return vec![low];
    }
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= raw * 0.999).unwrap_or(power);
    let first = (low / step - 1e-9).ceil() as i64;
    (0..=2 * wanted as i64 + 2)
        .map(|offset| (first + offset) as f64 * step)
        .take_while(|tick| *tick <= high + step * 1e-9)
        .collect()
}

fn next_tick(ticks: &[f64], high: f64) -> f64 {
    match ticks {
        [.., before, last] if *last < high => last + (last - before),
        _ => high,
    }
}

/// Equal stretches of points averaged, so that a long run stays a small picture.
fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= MAX_POINTS {
        return points.to_vec();
    }
    (0..MAX_POINTS)
        .map(|bucket| {
            let part = &points[bucket * points.len() / MAX_POINTS..(bucket + 1) * points.len() / MAX_POINTS];
            let sum = part.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
            (sum.0 / part.len() as f64, sum.1 / part.len() as f64)
        })
        .collect()
}

/// A number in few characters: `1500`, `0.25`, `2.5M`.
fn number(value: f64) -> String {
    let trim = |text: String| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    };
    let size = value.abs();
    if size >= 1e6 {
        trim(format!("{:.1}", value / 1e6)) + "M"
    } else if size >= 1e4 {
        trim(format!("{:.1}", value / 1e3)) + "k"
    } else if size >= 100.0 || size == 0.0 {
        format!("{value:.0}")
    } else if size >= 1.0 {
        trim(format!("{value:.2}"))
    } else if size >= 1e-3 {
        trim(format!("{value:.4}"))
    } else {
        format!("{value:.0e}")
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<(f64, f64)>) -> Chart {
        let series = vec![Series { name: "a<b".into(), class: 1, points }];
        Chart { title: "Loss".into(), x_label: "step".into(), y_low: Some(0.0), y_high: None, percent: false, series }
    }

    #[test]
    fn draws_what_is_there() {
        assert!(chart(Vec::new()).svg().is_none());
        assert!(chart(vec![(1.0, 2.0)]).svg().unwrap().contains("<circle"));
        let svg = chart((0..1000).map(|step| (f64::from(step), 1.0 / f64::from(step + 1))).collect()).svg().unwrap();
        assert_eq!(svg.split("points=\"").nth(1).unwrap().split('"').next().unwrap().split(' ').count(), MAX_POINTS);
        assert!(svg.contains("a&lt;b") && !svg.contains("NaN"));
        // A constant line has a range too.
        assert!(!chart(vec![(1.0, 0.0), (2.0, 0.0)]).svg().unwrap().contains("NaN"));
    }

    #[test]
    fn round_ticks() {
        assert_eq!(
            ticks(0.0, 1.0, 5).iter().map(|tick| number(*tick)).collect::<Vec<_>>(),
            ["0", "0.2", "0.4", "0.6", "0.8", "1"]
        );
        assert_eq!(ticks(3.0, 3.0, 5), [3.0]);
        assert_eq!(number(1500.0), "1500");
        assert_eq!(number(2_500_000.0), "2.5M");
        assert_eq!(number(12_000.0), "12k");
        assert_eq!(number(0.0004), "4e-4");
    }
}
