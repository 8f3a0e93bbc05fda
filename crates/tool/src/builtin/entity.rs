//! Characters that HTML writes by name or by number.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Replaces `&amp;`, `&#39;` and the like. What is no entity stays.
pub(super) fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest
            .bytes()
            .take(12)
            .position(|byte| !byte.is_ascii_alphanumeric() && byte != b'#')
            .unwrap_or(rest.len().min(12));
        let is_ended = rest.as_bytes().get(end) == Some(&b';');
        let found = rest.get(..end).and_then(|name| entity(name, is_ended));
        match found {
            Some(text) => {
                out.push(text);
                rest = &rest[end + usize::from(is_ended)..];
            }
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str, is_ended: bool) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        // The numbers that pages written for Windows use.
        return match code.ok()? {
            0x91 => Some('‘'),
            0x92 => Some('’'),
            0x93 => Some('“'),
            0x94 => Some('”'),
            0x96 => Some('–'),
            0x97 => Some('—'),
            code => char::from_u32(code).filter(|it| !it.is_control() || it.is_whitespace()),
        };
    }
    let found = *CHARACTERS.get(name)?;
    // Without its `;` only the oldest ones are meant: `&copy=1` in an address is none.
    (is_ended || matches!(name, "amp" | "lt" | "gt" | "quot" | "nbsp")).then_some(found)
}

static CHARACTERS: LazyLock<HashMap<&str, char>> = LazyLock::new(|| {
    let pairs = NAMED
        .split_whitespace()
        .filter_map(|pair| pair.split_once('='));
    let character = |text: &str| match text {
        "space" => Some(' '),
        text => text.chars().next(),
    };
    pairs
        .filter_map(|(name, text)| Some((name, character(text)?)))
        .collect()
});

/// `name=character`, the ones that texts use.
const NAMED: &str = "\
    amp=& lt=< gt=> quot=\" apos=' nbsp=space ensp=space emsp=space thinsp=space shy=\u{ad} copy=© reg=® \
    trade=™ hellip=… mdash=— ndash=– lsquo=‘ rsquo=’ sbquo=‚ ldquo=“ rdquo=” bdquo=„ laquo=« raquo=» \
    lsaquo=‹ rsaquo=› bull=• middot=· times=× divide=÷ minus=− plusmn=± deg=° micro=µ para=¶ sect=§ \
    euro=€ pound=£ yen=¥ cent=¢ larr=← uarr=↑ rarr=→ darr=↓ harr=↔ rArr=⇒ infin=∞ ne=≠ le=≤ ge=≥ asymp=≈ \
    check=✓ frac12=½ frac14=¼ frac34=¾ sup1=¹ sup2=² sup3=³ ordf=ª ordm=º iexcl=¡ iquest=¿ szlig=ß \
    auml=ä ouml=ö uuml=ü Auml=Ä Ouml=Ö Uuml=Ü euml=ë iuml=ï aacute=á eacute=é iacute=í oacute=ó uacute=ú \
    Aacute=Á Eacute=É Iacute=Í Oacute=Ó Uacute=Ú agrave=à egrave=è igrave=ì ograve=ò ugrave=ù Agrave=À \
    Egrave=È acirc=â ecirc=ê icirc=î ocirc=ô ucirc=û atilde=ã otilde=õ ntilde=ñ Ntilde=Ñ ccedil=ç \
    Ccedil=Ç aring=å Aring=Å aelig=æ AElig=Æ oslash=ø Oslash=Ø oelig=œ eth=ð thorn=þ alpha=α beta=β \
    gamma=γ delta=δ lambda=λ mu=μ pi=π sigma=σ omega=ω Delta=Δ Sigma=Σ Omega=Ω";
