//! What a scrape is told of the process, under the names that every Prometheus client has for it.

use std::fmt;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

/// This process.
#[derive(Debug)]
pub(super) struct Process {
    started_at: Timestamp,
}

impl Process {
    pub(super) const fn new(started_at: Timestamp) -> Self {
        Self { started_at }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let started = std::time::Duration::try_from(self.started_at.duration_since(Timestamp::UNIX_EPOCH));
        let started = started.unwrap_or_default().as_secs_f64();
        let help = "When the process began to serve, in seconds since 1970.";
        single(&mut encoder, "process_start_time_seconds", help, started)?;
        #[cfg(target_os = "linux")]
        linux::encode(&mut encoder)?;
        Ok(())
    }
}

fn single(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: f64) -> fmt::Result {
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

/// What `/proc` knows; without it nothing is told.
#[cfg(target_os = "linux")]
mod linux {
    use std::fmt;

    use procfs::process::{LimitValue, Process, Stat};
    use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
    use prometheus_client::metrics::MetricType;
    use prometheus_client::metrics::counter::ConstCounter;

    use super::super::roots::number;
    use super::single;

    pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Ok(process) = Process::myself() else { return Ok(()) };
        if let Ok(stat) = process.stat() {
            encode_stat(encoder, &stat)?;
        }
        if let Ok(open) = process.fd_count() {
            single(encoder, "process_open_fds", "Descriptors that are open.", number(open))?;
        }
        if let Ok(LimitValue::Value(most)) = process.limits().map(|limits| limits.max_open_files.soft_limit) {
            single(encoder, "process_max_fds", "Descriptors that may be open.", number(most))?;
        }
        Ok(())
    }

    fn encode_stat(encoder: &mut DescriptorEncoder<'_>, stat: &Stat) -> fmt::Result {
        let ticks = stat.utime.saturating_add(stat.stime);
        let seconds = number(ticks) / number(procfs::ticks_per_second()).max(1.0);
        let help = "Processor time of the process, in seconds.";
        let family = encoder.encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?;
        ConstCounter::new(seconds).encode(family)?;
        // In kibibytes the numbers fit until a process has four tebibytes.
        let resident = number(stat.rss.saturating_mul(procfs::page_size()) >> 10) * 1024.0;
        single(encoder, "process_resident_memory_bytes", "Memory that the process has resident.", resident)?;
        let addressed = number(stat.vsize >> 10) * 1024.0;
        single(encoder, "process_virtual_memory_bytes", "Addresses that the process has mapped.", addressed)?;
        single(encoder, "process_threads", "Threads of the process.", number(stat.num_threads))
    }
}
