//! Which kind of network the device is on, where its system says so in files (Linux).

use std::fs;
use std::path::Path;

use telecine_model::NetworkType;

/// The kind of network that leads to the rest of the world.
pub(super) fn network_type() -> NetworkType {
    if cfg!(target_os = "linux") {
        of_routes(Path::new("/"))
    } else {
        NetworkType::Unknown
    }
}

/// The same, of a system whose files are below a folder.
fn of_routes(root: &Path) -> NetworkType {
    let routes = fs::read_to_string(root.join("proc/net/route")).unwrap_or_default();
    match default_interface(&routes) {
        Some(interface) => of_interface(&root.join("sys/class/net").join(interface)),
        None => NetworkType::Unknown,
    }
}

/// The interface of the default route of the least metric. A line is: interface, destination, gateway, flags, two counts,
/// metric, mask and more, numbers in hexadecimal but for counts and metric.
fn default_interface(routes: &str) -> Option<&str> {
    let defaults = routes.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let interface = words.next().filter(|name| !name.contains(['/', '.']))?;
        let destination = words.next()?;
        let metric: u32 = words.nth(4)?.parse().ok()?;
        let mask = words.next()?;
        (destination == "00000000" && mask == "00000000").then_some((metric, interface))
    });
    defaults.min().map(|(_, interface)| interface)
}

fn of_interface(folder: &Path) -> NetworkType {
    /// `ARPHRD_ETHER`.
    const ETHERNET: &str = "1";
    let event = fs::read_to_string(folder.join("uevent")).unwrap_or_default();
    let kind = event.lines().find_map(|line| line.strip_prefix("DEVTYPE="));
    let hardware = fs::read_to_string(folder.join("type")).unwrap_or_default();
    match kind {
        Some("wlan") => NetworkType::Wifi,
        Some("wwan") => NetworkType::Cellular,
        // What has no device behind it leads through others: a tunnel, a bridge.
        None if hardware.trim() == ETHERNET && folder.join("device").exists() => NetworkType::Ethernet,
        _ => NetworkType::Unknown,
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)] // These are tests.
mod tests {
    use super::*;

    const HEADER: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

    #[test]
    fn the_default_route_of_the_least_metric_counts() {
        let routes = format!(
            "{HEADER}eth0\t00000000\t0100A8C0\t0003\t0\t0\t200\t00000000\t0\t0\t0\n\
             wlan0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
             tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n"
        );
        assert_eq!(default_interface(&routes), Some("wlan0"));
        assert_eq!(default_interface(HEADER), None);
        assert_eq!(default_interface("nonsense\n../x\t00000000\t0\t0\t0\t0\t0\t00000000\n"), None);
    }

    #[test]
    fn interfaces_are_told_apart_by_what_the_system_says_of_them() {
        let cases = [
            ("INTERFACE=x\nDEVTYPE=wlan\n", "1\n", true, NetworkType::Wifi),
            ("DEVTYPE=wwan\n", "65534\n", true, NetworkType::Cellular),
            ("INTERFACE=x\n", "1\n", true, NetworkType::Ethernet),
            ("INTERFACE=x\n", "1\n", false, NetworkType::Unknown),
            ("DEVTYPE=bridge\n", "1\n", true, NetworkType::Unknown),
            ("", "", true, NetworkType::Unknown),
        ];
        for (event, hardware, device, expected) in cases {
            let root = tempfile::tempdir().expect("a folder");
            let interface = root.path().join("sys/class/net/x");
            fs::create_dir_all(&interface).expect("made");
            fs::create_dir_all(root.path().join("proc/net")).expect("made");
            let routes = format!("{HEADER}x\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n");
            fs::write(root.path().join("proc/net/route"), routes).expect("written");
            fs::write(interface.join("uevent"), event).expect("written");
            fs::write(interface.join("type"), hardware).expect("written");
            if device {
                fs::create_dir(interface.join("device")).expect("made");
            }
            assert_eq!(of_routes(root.path()), expected, "{event:?}");
        }
        assert_eq!(of_routes(Path::new("/nowhere/at/all")), NetworkType::Unknown);
    }
}
