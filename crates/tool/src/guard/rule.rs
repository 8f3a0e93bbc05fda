//! Who is allowed by name although its address is not public.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::Url;

use super::address::AddressKind;
use crate::limits;

/// An entry of a list of allowed hosts that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// It is neither a name nor an address.
    #[error(
        "allow_hosts has {0:?}: write a host name (`intranet.example.com`, `*.example.com`), an address or a network \
         (`10.1.0.0/16`), without scheme, port and path"
    )]
    Entry(String),
    /// More entries than are looked through.
    #[error("allow_hosts has {0} entries, at most {max} are accepted", max = limits::ALLOWED_HOSTS)]
    Entries(usize),
}

/// The list of what is allowed.
#[derive(Debug, Clone, Default)]
pub(super) struct Allowed(Arc<[Entry]>);

#[derive(Debug, PartialEq, Eq)]
enum Entry {
    Host(String),
    /// Every name that ends with this, which begins with a dot.
    Under(String),
    Net(IpNet),
}

impl Allowed {
    pub(super) fn new(list: &[impl AsRef<str>]) -> Result<Self, BadRule> {
        if list.len() > limits::ALLOWED_HOSTS {
            return Err(BadRule::Entries(list.len()));
        }
        let entries: Result<Vec<_>, _> = list.iter().map(|text| entry(text.as_ref())).collect();
        Ok(Self(entries?.into()))
    }

    /// Whether requests to a host of this name may go to this address. A cloud's metadata must be allowed by its very
    /// address: whoever writes the answers for an allowed name has not been allowed to give secrets away.
    pub(super) fn admits(&self, host: &str, address: IpAddr, kind: AddressKind) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let address = address.to_canonical();
        let is_metadata = kind == AddressKind::Metadata;
        self.0.iter().any(|entry| match entry {
            Entry::Host(name) => !is_metadata && *name == host,
            Entry::Under(end) => !is_metadata && host.ends_with(end.as_str()),
            Entry::Net(net) => {
                let is_one = net.prefix_len() == net.max_prefix_len();
                net.contains(&address) && (is_one || !is_metadata)
            }
        })
    }
}

fn entry(text: &str) -> Result<Entry, BadRule> {
    let bad = || BadRule::Entry(text.to_owned());
    let bare = text.trim();
    let unbracketed = bare.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = unbracketed.parse::<IpAddr>() {
        return Ok(Entry::Net(address.to_canonical().into()));
    }
    if bare.contains('/') {
        let net: IpNet = bare.parse().map_err(|_| bad())?;
        return Ok(Entry::Net(net.trunc()));
    }
    let (name, is_under) = match bare.strip_prefix("*.") {
        Some(rest) => (rest, true),
        None => (bare, false),
    };
    // The URL's own reader knows how names are compared: lower case, international ones encoded.
    let url = Url::parse(&format!("http://{name}/")).map_err(|_| bad())?;
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    let is_plain = name
        .chars()
        .all(|it| it.is_alphanumeric() || matches!(it, '-' | '_' | '.'));
    if !is_plain || host.is_empty() || host.parse::<IpAddr>().is_ok() {
        return Err(bad());
    }
    Ok(if is_under {
        Entry::Under(format!(".{host}"))
    } else {
        Entry::Host(host.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::super::address::kind;
    use super::{Allowed, BadRule};

    #[track_caller]
    fn check(list: &[&str], host: &str, address: &str, expected: bool) {
        let address = address.parse().unwrap();
        let allowed = Allowed::new(list).unwrap();
        assert_eq!(allowed.admits(host, address, kind(address)), expected);
    }

    #[test]
    fn a_name_allows_what_it_resolves_to() {
        let list = [
            "Intranet.Example.com",
            "*.lab.example.com",
            "bücher.example",
        ];
        check(&list, "intranet.example.com", "10.0.0.1", true);
        check(&list, "INTRANET.example.com.", "10.0.0.1", true);
        check(&list, "x.intranet.example.com", "10.0.0.1", false);
        check(&list, "a.b.lab.example.com", "10.0.0.1", true);
        check(&list, "lab.example.com", "10.0.0.1", false);
        check(&list, "evillab.example.com", "10.0.0.1", false);
        check(&list, "xn--bcher-kva.example", "10.0.0.1", true);
    }

    #[test]
    fn an_address_or_a_network_allows_itself_under_every_name() {
        let list = ["10.1.0.0/16", "127.0.0.1", "[fd00::1]"];
        check(&list, "anything", "10.1.255.1", true);
        check(&list, "anything", "10.2.0.1", false);
        check(&list, "anything", "::ffff:10.1.0.1", true);
        check(&list, "127.0.0.1", "127.0.0.1", true);
        check(&list, "127.0.0.2", "127.0.0.2", false);
        check(&list, "[fd00::1]", "fd00::1", true);
    }

    #[test]
    fn a_clouds_metadata_is_allowed_by_its_very_address_only() {
        check(&["localhost"], "localhost", "169.254.169.254", false);
        check(&["169.254.0.0/16"], "x", "169.254.169.254", false);
        check(&["169.254.169.254"], "x", "169.254.169.254", true);
    }

    #[test]
    fn an_entry_that_cannot_be_meant_is_refused() {
        for text in [
            "",
            "*",
            "*.",
            "http://x",
            "x:80",
            "x/y",
            "10.0.0.0/33",
            "user@x",
            "a b",
            "0x7f.1",
            "x?y",
        ] {
            let refused = Allowed::new(&[text]).expect_err(text);
            assert_eq!(refused, BadRule::Entry(text.into()));
        }
    }
}
