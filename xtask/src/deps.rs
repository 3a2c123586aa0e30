//! The one-way rule: which crate of the workspace may depend on which.
//!
//! A build and normal dependency must be in the crate's own row of [`RULES`]. A development
//! dependency may also be any crate of a lower level: tests may look down, never up or sideways.
//! [`EXCLUSIVE`] names what only one crate may touch from outside the workspace.

use crate::workspace::{Crate, Dependency};

/// What one crate may use.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) level: u8,
    /// The crates of the workspace it may depend on.
    pub(crate) may_use: &'static [&'static str],
}

/// Every crate of the workspace, lowest level first.
///
/// `annotate` takes what a model can do as trait objects, so `encoders` and `llm` are not in its row.
pub(crate) const RULES: &[Rule] = &[
    Rule { name: "timeline", level: 0, may_use: &[] },
    Rule { name: "media", level: 1, may_use: &["timeline"] },
    Rule { name: "signal", level: 1, may_use: &["timeline"] },
    Rule { name: "dataset", level: 1, may_use: &["timeline"] },
    Rule { name: "metrics", level: 1, may_use: &["timeline"] },
    Rule { name: "backend", level: 1, may_use: &["timeline"] },
    Rule { name: "weights", level: 1, may_use: &["timeline"] },
    Rule {
        name: "annotate",
        level: 2,
        may_use: &["timeline", "media", "signal", "dataset", "metrics", "backend"],
    },
    Rule { name: "kernels", level: 2, may_use: &["timeline"] },
    Rule {
        name: "encoders",
        level: 2,
        may_use: &["timeline", "kernels", "weights", "signal", "media"],
    },
    Rule { name: "llm", level: 2, may_use: &["timeline", "kernels", "weights"] },
    Rule {
        name: "studio",
        level: 3,
        may_use: &[
            "timeline", "media", "signal", "dataset", "metrics", "backend", "annotate", "kernels",
            "weights", "encoders", "llm",
        ],
    },
    Rule {
        name: "cli",
        level: 4,
        may_use: &[
            "timeline", "media", "signal", "dataset", "metrics", "backend", "annotate", "kernels",
            "weights", "encoders", "llm", "studio",
        ],
    },
    Rule { name: "xtask", level: 5, may_use: &[] },
];

/// Crates from outside that only one crate of ours may name, in any kind of dependency.
const EXCLUSIVE: &[(&str, &str)] = &[("ffmpeg-next", "media"), ("ffmpeg-sys-next", "media")];

/// The rule of the crate with this short name.
pub(crate) fn rule(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// Every dependency that breaks the rule, one line each; empty if none does.
pub(crate) fn check(crates: &[Crate]) -> Vec<String> {
    let mut findings = Vec::new();
    for one in crates {
        let Some(rule) = rule(&one.name) else {
            findings.push(format!(
                "crate {} has no row in xtask/src/deps.rs: add one with its level",
                one.name
            ));
            continue;
        };
        findings.extend(one.dependencies.iter().filter_map(|to| broken(rule, to)));
    }
    findings
}

fn broken(from: &Rule, to: &Dependency) -> Option<String> {
    if let Some((_, owner)) = EXCLUSIVE.iter().find(|(name, _)| *name == to.name) {
        return (from.name != *owner)
            .then(|| format!("{} names {}, which only {owner} may", from.name, to.name));
    }
    if !to.ours || from.may_use.contains(&to.name.as_str()) {
        return None;
    }
    let below = rule(&to.name).is_some_and(|to| to.level < from.level);
    if to.dev && below {
        return None;
    }
    let kind = if to.dev { "in its tests " } else { "" };
    Some(match from.may_use {
        [] => format!("{} uses {} {kind}but may use no crate of ours", from.name, to.name),
        allowed => {
            format!("{} uses {} {kind}but may use only {}", from.name, to.name, allowed.join(", "))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depends(from: &str, to: &str, dev: bool, ours: bool) -> Vec<String> {
        check(&[Crate {
            name: from.to_owned(),
            description: String::new(),
            dependencies: vec![Dependency { name: to.to_owned(), dev, ours }],
        }])
    }

    #[test]
    fn the_workspace_keeps_the_rule() {
        let crates = crate::workspace::load().unwrap();
        assert!(crates.iter().any(|one| one.name == "timeline"), "no crates were read");
        assert_eq!(check(&crates), Vec::<String>::new());
    }

    #[test]
    fn rows_name_known_crates_of_no_higher_level() {
        for row in RULES {
            for used in row.may_use {
                let used = rule(used).unwrap();
                assert!(used.level <= row.level && used.name != row.name, "{}", row.name);
            }
        }
    }

    #[test]
    fn allowed_uses_depend_one_way_only() {
        for row in RULES {
            for used in row.may_use {
                let back = rule(used).unwrap().may_use;
                assert!(!back.contains(&row.name), "{} and {used} use each other", row.name);
            }
        }
    }

    #[test]
    fn the_pipeline_may_not_import_models() {
        assert_eq!(depends("annotate", "encoders", false, true).len(), 1);
        assert_eq!(depends("annotate", "llm", false, true).len(), 1);
        assert_eq!(depends("annotate", "llm", true, true).len(), 1);
        assert!(depends("annotate", "signal", false, true).is_empty());
    }

    #[test]
    fn siblings_may_not_import_each_other_even_in_tests() {
        assert_eq!(depends("signal", "media", false, true).len(), 1);
        assert_eq!(depends("signal", "media", true, true).len(), 1);
        assert!(depends("encoders", "media", false, true).is_empty());
    }

    #[test]
    fn tests_may_look_down_a_level() {
        assert_eq!(depends("llm", "metrics", false, true).len(), 1);
        assert!(depends("llm", "metrics", true, true).is_empty());
        assert_eq!(depends("timeline", "signal", true, true).len(), 1);
    }

    #[test]
    fn only_media_touches_libav() {
        assert!(depends("media", "ffmpeg-next", false, false).is_empty());
        assert_eq!(depends("signal", "ffmpeg-next", false, false).len(), 1);
        assert_eq!(depends("cli", "ffmpeg-sys-next", true, false).len(), 1);
    }

    #[test]
    fn crates_from_outside_are_free_and_unknown_ones_of_ours_are_not() {
        assert!(depends("timeline", "serde", false, false).is_empty());
        assert_eq!(depends("mystery", "serde", false, false).len(), 1);
    }
}
