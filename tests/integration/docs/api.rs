//! `docs/api.md`: its reference is made from the comments of the protos.

use std::fmt::Write as _;

use guide_board::wire::{self, Rules};
use prost_reflect::{
    Cardinality, EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor, MethodDescriptor,
};

use super::generated;

const PACKAGE: &str = "guideboard.v1";

/// The comment above what stands at a path of a file, as Markdown.
fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let proto = file.file_descriptor_proto();
    let locations = proto.source_code_info.iter().flat_map(|info| &info.location);
    let text =
        locations.filter(|location| location.path == path).find_map(|location| location.leading_comments.clone());
    let text = text.unwrap_or_else(|| panic!("{} {path:?} has no comment", file.name()));
    text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// A comment as one cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn kind_of(kind: &Kind) -> String {
    let own = |name: &str| match name.strip_prefix("guideboard.v1.") {
        Some(name) => format!("[{name}](#{})", name.to_lowercase()),
        None => name.trim_start_matches("google.protobuf.").to_owned(),
    };
    match kind {
        Kind::Message(message) => own(message.full_name()),
        Kind::Enum(enumeration) => own(enumeration.full_name()),
        scalar => format!("{scalar:?}"),
    }
}

fn type_of(field: &FieldDescriptor) -> String {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => {
            format!(
                "map of {} to {}",
                kind_of(&entry.map_entry_key_field().kind()),
                kind_of(&entry.map_entry_value_field().kind())
            )
        }
        kind if field.cardinality() == Cardinality::Repeated => format!("list of {}", kind_of(&kind)),
        kind if field.field_descriptor_proto().proto3_optional() => format!("optional {}", kind_of(&kind)),
        kind => kind_of(&kind),
    }
}

fn fields(text: &mut String, message: &MessageDescriptor) {
    if message.fields().len() == 0 {
        return;
    }
    text.push_str("| field | type | |\n|---|---|---|\n");
    for field in message.fields() {
        let meaning = cell(&comment(&message.parent_file(), field.path()));
        let _ = writeln!(text, "| `{}` | {} | {meaning} |", field.name(), type_of(&field));
    }
    text.push('\n');
}

fn call(text: &mut String, method: &MethodDescriptor, rules: &Rules) {
    let file = method.parent_file();
    let _ = writeln!(text, "#### {}\n\n{}\n", method.name(), comment(&file, method.path()));
    let rules = rules.iter().filter(|rule| rule.call == *method);
    let paths: Vec<_> = rules.map(|rule| format!("`{} {}`", rule.method, rule.template)).collect();
    let _ = writeln!(text, "HTTP: {}\n", paths.join(", "));
    let (input, output) = (method.input(), method.output());
    let _ = writeln!(text, "`{}`: {}\n", input.name(), cell(&comment(&file, input.path())));
    fields(text, &input);
    let stream = if method.is_server_streaming() { ", streamed" } else { "" };
    let _ = writeln!(text, "`{}`{stream}: {}\n", output.name(), cell(&comment(&file, output.path())));
    fields(text, &output);
}

fn words(text: &mut String, enumeration: &EnumDescriptor) {
    let file = enumeration.parent_file();
    let _ = writeln!(text, "### {}\n\n{}\n", enumeration.name(), comment(&file, enumeration.path()));
    text.push_str("| value | |\n|---|---|\n");
    for value in enumeration.values() {
        let _ = writeln!(text, "| `{}` | {} |", value.name(), cell(&comment(&file, value.path())));
    }
    text.push('\n');
}

#[test]
fn the_reference_is_that_of_the_protos() {
    let rules = Rules::read().expect("the HTTP rules");
    let pool = wire::pool().expect("the descriptor set");
    let files: Vec<FileDescriptor> = pool.files().filter(|file| file.package_name() == PACKAGE).collect();
    let mut text = "## Calls\n\n".to_owned();
    for service in files.iter().flat_map(FileDescriptor::services) {
        let _ = writeln!(text, "### {}\n\n{}\n", service.name(), comment(&service.parent_file(), service.path()));
        for method in service.methods() {
            call(&mut text, &method, &rules);
        }
    }
    let is_of_a_call = |message: &MessageDescriptor| {
        let mut methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
        methods.any(|method| method.input() == *message || method.output() == *message)
    };
    text.push_str("## Messages\n\n");
    for message in files.iter().flat_map(FileDescriptor::messages).filter(|message| !is_of_a_call(message)) {
        let _ = writeln!(text, "### {}\n\n{}\n", message.name(), comment(&message.parent_file(), message.path()));
        fields(&mut text, &message);
    }
    text.push_str("## Words\n\n");
    for enumeration in files.iter().flat_map(FileDescriptor::enums) {
        words(&mut text, &enumeration);
    }
    generated::hold("docs/api.md", "reference from proto/", &text);
}
