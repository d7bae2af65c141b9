//! Recognising the common licence texts by a few distinctive phrases.

/// What a text says about a licence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recognised {
    /// The SPDX identifier.
    pub spdx: &'static str,
    /// Whether the licence is on the list of the Open Source Initiative or free by the FSF's definition.
    pub open: bool,
}

struct Rule {
    spdx: &'static str,
    /// Each must occur in the normalised text.
    all: &'static [&'static str],
    /// None may occur.
    none: &'static [&'static str],
    /// Whether the phrases must stand near the beginning: licences of one family quote one another's names.
    early: bool,
}

const fn rule(spdx: &'static str, all: &'static [&'static str], none: &'static [&'static str]) -> Rule {
    Rule { spdx, all, none, early: false }
}

const fn title(spdx: &'static str, all: &'static [&'static str]) -> Rule {
    Rule { spdx, all, none: &[], early: true }
}

const MIT_GRANT: &str = "permission is hereby granted free of charge to any person obtaining a copy";
const MIT_NOTICE: &str = "permission notice";
const ISC_GRANT: &str = "permission to use copy modify and or distribute this software for any purpose";
const ISC_GRANT_OLD: &str = "permission to use copy modify and distribute this software for any purpose";
const BSD_GRANT: &str = "redistribution and use in source and binary forms with or without modification are permitted";

/// The first rule that fits wins, so a licence whose text contains another's comes first.
const RULES: &[Rule] = &[
    title("AGPL-3.0", &["gnu affero general public license version 3"]),
    title("LGPL-3.0", &["gnu lesser general public license version 3"]),
    title("LGPL-2.1", &["gnu lesser general public license version 2 1"]),
    title("LGPL-2.0", &["gnu library general public license version 2"]),
    title("GPL-3.0", &["gnu general public license version 3"]),
    title("GPL-2.0", &["gnu general public license version 2"]),
    title("SSPL-1.0", &["server side public license"]),
    title("BUSL-1.1", &["business source license 1 1"]),
    title("Elastic-2.0", &["elastic license 2 0"]),
    title("CC-BY-NC-SA-4.0", &["attribution noncommercial sharealike 4 0 international"]),
    title("CC-BY-NC-4.0", &["attribution noncommercial 4 0 international"]),
    title("CC-BY-SA-4.0", &["attribution sharealike 4 0 international"]),
    title("CC-BY-4.0", &["attribution 4 0 international"]),
    title("CC0-1.0", &["cc0 1 0 universal"]),
    title("MPL-2.0", &["mozilla public license version 2 0"]),
    title("EPL-2.0", &["eclipse public license v 2 0"]),
    title("EPL-2.0", &["eclipse public license version 2 0"]),
    title("EPL-1.0", &["eclipse public license v 1 0"]),
    title("EUPL-1.2", &["european union public licence v 1 2"]),
    title("BSL-1.0", &["boost software license version 1 0"]),
    title("Artistic-2.0", &["artistic license 2 0"]),
    title("MulanPSL-2.0", &["mulan permissive software license", "version 2"]),
    title("Unicode-3.0", &["unicode license v3"]),
    title("WTFPL", &["do what the fuck you want to public license"]),
    rule("Apache-2.0", &["apache license", "version 2 0"], &[]),
    rule("Unlicense", &["this is free and unencumbered software released into the public domain"], &[]),
    rule("CC0-1.0", &["cc0 1 0 universal"], &[]),
    rule("BSD-4-Clause", &[BSD_GRANT, "all advertising materials mentioning"], &[]),
    rule("BSD-3-Clause", &[BSD_GRANT, "endorse or promote products"], &[]),
    rule("BSD-2-Clause", &[BSD_GRANT, "binary form must reproduce"], &[]),
    rule("BSD-1-Clause", &[BSD_GRANT], &[]),
    rule("MIT", &[MIT_GRANT, MIT_NOTICE], &[]),
    rule("MIT-0", &[MIT_GRANT], &[MIT_NOTICE]),
    rule("curl", &[ISC_GRANT_OLD, "shall not be used in advertising or otherwise to promote"], &[]),
    rule("ISC", &[ISC_GRANT, MIT_NOTICE], &[]),
    rule("ISC", &[ISC_GRANT_OLD, MIT_NOTICE], &[]),
    rule("0BSD", &[ISC_GRANT], &[MIT_NOTICE]),
    rule("Zlib", &["altered source versions must be plainly marked as such"], &[]),
    rule("PSF-2.0", &["python software foundation license version 2"], &[]),
];

const NOT_OPEN: [&str; 5] = ["SSPL-1.0", "BUSL-1.1", "Elastic-2.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"];
const EARLY_CHARACTERS: usize = 600;

/// The licence whose text this is, if it is one of the common ones.
pub fn recognise(text: &str) -> Option<Recognised> {
    let normal = normalise(text);
    let start: String = normal.chars().take(EARLY_CHARACTERS).collect();
    RULES
        .iter()
        .find(|rule| {
            let within = if rule.early { &start } else { &normal };
            rule.all.iter().all(|phrase| within.contains(phrase))
                && !rule.none.iter().any(|phrase| within.contains(phrase))
        })
        .map(|rule| Recognised { spdx: rule.spdx, open: !NOT_OPEN.contains(&rule.spdx) })
}

/// The expression of an SPDX tag, if the text carries one.
pub fn spdx_tag(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("SPDX-License-Identifier:")?;
    let line = rest.lines().next()?.trim();
    let line = line.trim_end_matches("-->").trim_end_matches("*/").trim();
    (!line.is_empty() && line.len() < 200).then(|| line.to_owned())
}

/// Whether a text that is not recognised at least speaks as licences do.
pub fn reads_like_a_license(text: &str) -> bool {
    let normal = normalise(text);
    let marks = [
        "license",
        "licence",
        "licensed",
        "copyright",
        "permission",
        "permitted",
        "warranty",
        "redistribut",
        "public domain",
        "all rights reserved",
        "lizenz",
        "licencia",
        "terms",
    ];
    marks.iter().filter(|mark| normal.contains(*mark)).count() >= 2
}

/// Lower case, every run of other characters than letters and digits one space.
fn normalise(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_alphanumeric() {
            normal.extend(letter.to_lowercase());
        } else if !normal.ends_with(' ') {
            normal.push(' ');
        }
    }
    normal.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spdx(text: &str) -> Option<&'static str> {
        recognise(text).map(|found| found.spdx)
    }

    #[test]
    fn the_gpl_that_quotes_the_lesser_one_is_the_gpl() {
        let text = format!(
            "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007\n{}GNU Lesser General Public License version 3",
            "words ".repeat(200)
        );
        assert_eq!(spdx(&text), Some("GPL-3.0"));
    }

    #[test]
    fn mit_without_the_notice_clause_is_mit_0() {
        let grant = "Permission is hereby granted, free of charge, to any person obtaining a copy of this software";
        assert_eq!(spdx(grant), Some("MIT-0"));
        assert_eq!(spdx(&format!("{grant}\nThe above copyright notice and this permission notice shall")), Some("MIT"));
    }

    #[test]
    fn bsd_clauses_tell_the_variants_apart() {
        let grant = "Redistribution and use in source and binary forms, with or without\nmodification, are permitted";
        assert_eq!(spdx(&format!("{grant} in binary form must reproduce")), Some("BSD-2-Clause"));
        assert_eq!(spdx(&format!("{grant} endorse or promote products")), Some("BSD-3-Clause"));
        assert_eq!(spdx("All rights reserved. Ask before you copy."), None);
    }

    #[test]
    fn a_source_available_licence_is_recognised_and_not_open() {
        assert!(!recognise("Business Source License 1.1\nParameters").unwrap().open);
    }

    #[test]
    fn the_tag_ends_with_its_line() {
        assert_eq!(
            spdx_tag("<!-- SPDX-License-Identifier: MIT OR Apache-2.0 -->\nx").as_deref(),
            Some("MIT OR Apache-2.0")
        );
        assert_eq!(spdx_tag("SPDX-License-Identifier:"), None);
    }

    proptest! {
        #[test]
        fn any_text_can_be_asked(text in "\\PC{0,300}") {
            let _ = recognise(&text);
            let _ = spdx_tag(&text);
            let _ = reads_like_a_license(&text);
        }
    }
}
