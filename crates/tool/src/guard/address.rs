//! What kind of address it is. Pure.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is for, as the registries of special-purpose addresses say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// A host on the internet.
    Public,
    /// This machine.
    Loopback,
    /// A private network (RFC 1918, or `fc00::/7`).
    Private,
    /// The same link.
    LinkLocal,
    /// A provider's own network (`100.64.0.0/10`).
    Shared,
    /// Many at once.
    Multicast,
    /// No address.
    Unspecified,
    /// For examples in texts.
    Documentation,
    /// For other purposes, or for none yet.
    Reserved,
    /// Where a cloud tells a machine its secrets.
    Metadata,
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Loopback => "this machine (loopback)",
            Self::Private => "private",
            Self::LinkLocal => "link-local",
            Self::Shared => "shared (carrier-grade NAT)",
            Self::Multicast => "multicast",
            Self::Unspecified => "unspecified",
            Self::Documentation => "for documentation",
            Self::Reserved => "reserved",
            Self::Metadata => "a cloud's metadata address",
        })
    }
}

/// The kind of an address; of an IPv6 address that stands for an IPv4 one, the kind of that one.
pub(crate) fn kind(address: IpAddr) -> AddressKind {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

fn kind_v4(address: Ipv4Addr) -> AddressKind {
    use AddressKind::{
        Documentation, Loopback, Metadata, Multicast, Private, Public, Reserved, Shared,
        Unspecified,
    };
    match address.octets() {
        // The common one, containers of two vendors, and one vendor each.
        [169, 254, 169, 254 | 253 | 123]
        | [169, 254, 170, 2 | 23]
        | [100, 100, 100, 200]
        | [168, 63, 129, 16]
        | [192, 0, 0, 192] => Metadata,
        [0, ..] => Unspecified,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Private,
        [100, 64..=127, ..] => Shared,
        [127, ..] => Loopback,
        [169, 254, ..] => AddressKind::LinkLocal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Documentation,
        [192, 0, 0, _] | [192, 88, 99, _] | [198, 18..=19, ..] | [240..=255, ..] => Reserved,
        [224..=239, ..] => Multicast,
        _ => Public,
    }
}

fn kind_v6(address: Ipv6Addr) -> AddressKind {
    use AddressKind::{
        Documentation, LinkLocal, Loopback, Metadata, Multicast, Private, Public, Reserved,
        Unspecified,
    };
    if address == Ipv6Addr::LOCALHOST {
        return Loopback;
    }
    if address == Ipv6Addr::UNSPECIFIED {
        return Unspecified;
    }
    if let Some(inner) = embedded(address) {
        return kind_v4(inner);
    }
    match address.segments() {
        [
            0xfd00,
            0x0ec2,
            0,
            0,
            0,
            0,
            0,
            0x0254 | 0x0023 | 0x0253 | 0x0123,
        ]
        | [0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254] => Metadata,
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Private,
        [0xfe80..=0xfebf, ..] => LinkLocal,
        [0xff00..=0xffff, ..] => Multicast,
        [0x2001, 0x0db8, ..] | [0x3fff, 0x0000..=0x0fff, ..] => Documentation,
        // Protocol assignments: Teredo, which hides an IPv4 address, benchmarks, ORCHID.
        [0x2001, 0x0000..=0x01ff, ..] => Reserved,
        [0x2000..=0x3fff, ..] => Public,
        // All that is global lies in 2000::/3.
        _ => Reserved,
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64, 6to4, or ISATAP.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // Compatible and mapped, translated, NAT64, 6to4, ISATAP.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x0064, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..]
        | [0x2000..=0x3fff, _, _, _, 0x0000 | 0x0200, 0x5efe, high, low] => v4(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::AddressKind::{self, *};
    use super::kind;

    #[track_caller]
    fn check(expected: AddressKind, addresses: &[&str]) {
        for address in addresses {
            assert_eq!(kind(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn a_host_on_the_internet_is_public() {
        check(
            Public,
            &[
                "1.1.1.1",
                "9.255.255.255",
                "11.0.0.0",
                "100.63.255.255",
                "100.128.0.0",
                "126.255.255.255",
                "128.0.0.1",
                "169.253.255.255",
                "169.255.0.0",
                "172.15.255.255",
                "172.32.0.0",
                "192.0.1.0",
                "192.167.255.255",
                "192.169.0.0",
                "198.17.255.255",
                "198.20.0.0",
                "223.255.255.255",
                "2606:4700:4700::1111",
                "2001:4860:4860::8888",
                "2400::1",
            ],
        );
    }

    #[test]
    fn each_special_range_is_known_to_its_edges() {
        check(Loopback, &["127.0.0.1", "127.255.255.255", "::1"]);
        check(
            Private,
            &[
                "10.0.0.0",
                "10.255.255.255",
                "172.16.0.0",
                "172.31.255.255",
                "192.168.0.0",
                "192.168.255.255",
                "fc00::",
                "fdff:ffff::1",
                "fec0::1",
                "feff::1",
            ],
        );
        check(
            LinkLocal,
            &["169.254.0.0", "169.254.255.255", "fe80::1", "febf::1"],
        );
        check(Shared, &["100.64.0.0", "100.127.255.255"]);
        check(
            Multicast,
            &["224.0.0.0", "239.255.255.255", "ff00::", "ff02::1"],
        );
        check(Unspecified, &["0.0.0.0", "0.255.255.255", "::"]);
        check(
            Documentation,
            &[
                "192.0.2.1",
                "198.51.100.1",
                "203.0.113.255",
                "2001:db8::1",
                "3fff:fff::1",
            ],
        );
        check(
            Reserved,
            &[
                "192.0.0.1",
                "192.88.99.1",
                "198.18.0.0",
                "198.19.255.255",
                "240.0.0.0",
                "255.255.255.255",
                "100::1",
                "64:ff9b:1::1",
                "2001::1",
                "2001:1ff::1",
                "4000::1",
                "5f00::1",
            ],
        );
        check(
            Metadata,
            &[
                "169.254.169.254",
                "169.254.170.2",
                "100.100.100.200",
                "168.63.129.16",
                "192.0.0.192",
                "fd00:ec2::254",
                "fd20:ce::254",
            ],
        );
    }

    #[test]
    fn an_address_inside_an_address_counts() {
        check(
            Private,
            &[
                "::ffff:10.0.0.1",
                "::10.0.0.1",
                "::ffff:0:10.0.0.1",
                "64:ff9b::10.0.0.1",
                "2002:0a00:0001::1",
                "2606:4700::5efe:10.0.0.1",
                "2606:4700::200:5efe:10.0.0.1",
            ],
        );
        check(
            Metadata,
            &[
                "::ffff:169.254.169.254",
                "64:ff9b::169.254.169.254",
                "2002:a9fe:a9fe::",
            ],
        );
        check(Loopback, &["::ffff:127.0.0.1", "::127.0.0.1"]);
        check(Public, &["::ffff:1.1.1.1", "64:ff9b::1.1.1.1"]);
    }
}
