//! The parts of SARIF that are read, each of them bounded: long text is cut, long lists are counted.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::bounds::{self, BODY};

/// Text, cut after [`BODY`] bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Cut;
        impl Visitor<'_> for Cut {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(bounds::body(text, BODY)))
            }
        }
        deserializer.deserialize_str(Cut)
    }
}

/// A number; some writers write text, or a fraction of nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Number(pub(super) f64);

impl Number {
    /// As an index or a line: a whole number from 0 that is exact.
    pub(super) fn whole(self) -> Option<u64> {
        let is_whole = self.0.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&self.0);
        // There is no conversion that is checked; the text of a whole number is exact.
        is_whole.then(|| format!("{:.0}", self.0).parse().ok()).flatten()
    }

    pub(super) fn place(self) -> Option<usize> {
        self.whole().and_then(|whole| usize::try_from(whole).ok())
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                Ok(Number(text.trim().parse().unwrap_or(f64::NAN)))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// The first `N` of a list.
#[derive(Debug, Clone)]
pub(super) struct Few<T, const N: usize>(pub(super) Vec<T>);

impl<T, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for Few<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct First<T, const N: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for First<T, N> {
            type Value = Few<T, N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_unit<E: Error>(self) -> Result<Few<T, N>, E> {
                Ok(Few::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Few<T, N>, A::Error> {
                let mut few = Vec::new();
                while few.len() < N {
                    match list.next_element()? {
                        Some(element) => few.push(element),
                        None => return Ok(Few(few)),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Few(few))
            }
        }
        deserializer.deserialize_any(First(PhantomData))
    }
}

/// The first few entries of `messageStrings`, by id.
#[derive(Debug, Clone, Default)]
pub(super) struct Strings(pub(super) BTreeMap<String, Text>);

impl<'de> Deserialize<'de> for Strings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Strings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of messages")
            }

            fn visit_unit<E: Error>(self) -> Result<Strings, E> {
                Ok(Strings::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Strings, A::Error> {
                let mut strings = BTreeMap::new();
                while let Some(Text(id)) = map.next_key()? {
                    if strings.len() < 32 {
                        let message: Message = map.next_value()?;
                        strings.insert(id, message.text.unwrap_or_default());
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Strings(strings))
            }
        }
        deserializer.deserialize_any(Entries)
    }
}

/// A message: text, or the id of one, with arguments.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Message {
    pub(super) text: Option<Text>,
    pub(super) id: Option<Text>,
    pub(super) arguments: Few<Text, 10>,
}

/// One result.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawResult {
    pub(super) rule_id: Option<Text>,
    pub(super) rule_index: Option<Number>,
    pub(super) rule: Option<RuleReference>,
    pub(super) kind: Option<Text>,
    pub(super) level: Option<Text>,
    pub(super) message: Option<Message>,
    pub(super) locations: Few<RawLocation, 5>,
    pub(super) suppressions: Few<Suppression, 10>,
    pub(super) baseline_state: Option<Text>,
    pub(super) properties: Option<Properties>,
}

/// Which rule a result is of.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RuleReference {
    pub(super) id: Option<Text>,
    pub(super) index: Option<Number>,
    pub(super) tool_component: Option<ComponentReference>,
}

/// Which part of a tool a rule is of.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct ComponentReference {
    pub(super) index: Option<Number>,
}

/// Where.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawLocation {
    pub(super) physical_location: Option<Physical>,
    pub(super) logical_locations: Few<Logical, 1>,
}

/// A place in a file.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Physical {
    pub(super) artifact_location: Option<Artifact>,
    pub(super) region: Option<Region>,
}

/// A file.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Artifact {
    pub(super) uri: Option<Text>,
    pub(super) uri_base_id: Option<Text>,
}

/// A part of a file.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Region {
    pub(super) start_line: Option<Number>,
}

/// A place in a program.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Logical {
    pub(super) fully_qualified_name: Option<Text>,
    pub(super) name: Option<Text>,
}

/// That somebody said that a result is all right.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Suppression {
    pub(super) kind: Option<Text>,
    pub(super) status: Option<Text>,
    pub(super) justification: Option<Text>,
}

/// The one property that has a meaning everywhere.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct Properties {
    pub(super) security_severity: Option<Number>,
}

/// A rule.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Rule {
    pub(super) id: Option<Text>,
    pub(super) name: Option<Text>,
    pub(super) short_description: Option<Message>,
    pub(super) message_strings: Strings,
    pub(super) default_configuration: Option<Configuration>,
    pub(super) properties: Option<Properties>,
}

/// How a rule is set.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Configuration {
    pub(super) level: Option<Text>,
}

/// So much text of rules is kept of a component.
const RULES_BYTES: usize = 4 * 1024 * 1024;

/// The rules of a component, up to a bound.
#[derive(Debug, Clone, Default)]
pub(super) struct RuleList {
    pub(super) kept: Vec<Rule>,
    /// How many there were beyond.
    pub(super) dropped: u64,
}

impl Rule {
    fn bytes(&self) -> usize {
        let text = |text: &Option<Text>| text.as_ref().map_or(0, |text| text.0.len());
        let strings: usize = self.message_strings.0.iter().map(|(id, text)| id.len() + text.0.len() + 64).sum();
        let short = self.short_description.as_ref().map_or(0, |message| text(&message.text));
        256 + text(&self.id) + text(&self.name) + short + strings
    }
}

impl<'de> Deserialize<'de> for RuleList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rules;
        impl<'de> Visitor<'de> for Rules {
            type Value = RuleList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of rules")
            }

            fn visit_unit<E: Error>(self) -> Result<RuleList, E> {
                Ok(RuleList::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RuleList, A::Error> {
                let (mut rules, mut bytes) = (RuleList::default(), 0);
                while bytes < RULES_BYTES {
                    let Some(rule) = list.next_element::<Rule>()? else { return Ok(rules) };
                    bytes += rule.bytes();
                    rules.kept.push(rule);
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    rules.dropped += 1;
                }
                Ok(rules)
            }
        }
        deserializer.deserialize_any(Rules)
    }
}

/// A part of a tool: its driver or an extension.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Component {
    pub(super) name: Option<Text>,
    pub(super) version: Option<Text>,
    pub(super) semantic_version: Option<Text>,
    pub(super) rules: RuleList,
    pub(super) global_message_strings: Strings,
}

/// The tool.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Tool {
    pub(super) driver: Component,
    pub(super) extensions: Few<Component, 16>,
}

/// That the tool was run.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Invocation {
    pub(super) execution_successful: Option<bool>,
    pub(super) exit_code_description: Option<Text>,
    pub(super) tool_execution_notifications: Few<Notification, 20>,
    pub(super) tool_configuration_notifications: Few<Notification, 20>,
}

/// What the tool says about its own run.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Notification {
    pub(super) level: Option<Text>,
    pub(super) message: Option<Message>,
    pub(super) locations: Few<RawLocation, 1>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_null_or_too_much_is_read_all_the_same() {
        let text = r#"{"ruleId": null, "locations": null, "suppressions": [], "ruleIndex": 3.0, "unknown": {"a": []},
            "message": {"text": "x", "arguments": ["1","2","3","4","5","6","7","8","9","10","11","12"]}}"#;
        let result: RawResult = serde_json::from_str(text).expect("read");
        assert_eq!(result.rule_index.and_then(Number::place), Some(3));
        assert_eq!(result.message.expect("a message").arguments.0.len(), 10);
    }

    #[test]
    fn a_number_is_whole_or_it_is_no_line() {
        let whole = |text: &str| serde_json::from_str::<Number>(text).expect("read").whole();
        assert_eq!(
            [whole("7"), whole("\"8\""), whole("-1"), whole("1.5"), whole("1e300"), whole("\"x\"")],
            [Some(7), Some(8), None, None, None, None]
        );
    }
}
