//! The declarations of TypeScript that a page goes by, as far as they are needed: interfaces, unions, lists and literals.

use std::collections::{BTreeMap, BTreeSet};

use super::value::Value;

/// A type as it is declared.
#[derive(Clone, Debug, PartialEq)]
enum Type {
    Named(String),
    Literal(String),
    List(Box<Type>),
    Union(Vec<Type>),
    /// Fields by name.
    Map(Vec<(String, Type)>),
    /// Any names, with values of one type.
    Names(Box<Type>),
}

/// All declarations, and which of their alternatives were met.
pub(crate) struct Declared {
    types: BTreeMap<String, Type>,
    met: BTreeSet<String>,
}

impl Declared {
    /// Reads declarations.
    pub(crate) fn parse(text: &str) -> Self {
        let mut tokens = tokens(text);
        tokens.reverse();
        let mut types = BTreeMap::new();
        while !tokens.is_empty() {
            expect(&mut tokens, "export");
            let what = tokens.pop().expect("a declaration");
            let name = tokens.pop().expect("a name");
            if what == "type" {
                expect(&mut tokens, "=");
            }
            let declared = union(&mut tokens);
            if what == "type" {
                expect(&mut tokens, ";");
            }
            assert!(types.insert(name.clone(), declared).is_none(), "{name} is declared twice");
        }
        Self { types, met: BTreeSet::new() }
    }

    /// Says what about a value is not of the type that is declared under a name.
    pub(crate) fn check(&mut self, name: &str, value: &Value) -> Result<(), String> {
        self.is(&Type::Named(name.to_owned()), value, name)
    }

    fn is(&mut self, declared: &Type, value: &Value, place: &str) -> Result<(), String> {
        let wrong = || Err(format!("{place}: {value:?} is no {declared:?}"));
        match (declared, value) {
            (Type::Named(name), value) => match (name.as_str(), value) {
                ("null", Value::Null)
                | ("boolean", Value::Flag(_))
                | ("number", Value::Number(_))
                | ("string", Value::Text(_))
                | ("Uint8Array", Value::Bytes(_)) => Ok(()),
                ("null" | "boolean" | "number" | "string" | "Uint8Array", _) => wrong(),
                (name, value) => {
                    let declared = self.types.get(name).cloned().ok_or_else(|| format!("{place}: what is {name}?"))?;
                    self.is(&declared, value, name)
                }
            },
            (Type::Literal(text), Value::Text(value)) if text == value => Ok(()),
            (Type::List(item), Value::List(values)) => {
                values.iter().try_for_each(|value| self.is(item, value, &format!("{place}[]")))
            }
            (Type::Names(of), Value::Map(fields)) => {
                fields.iter().try_for_each(|(name, value)| self.is(of, value, &format!("{place}.{name}")))
            }
            (Type::Map(declared), Value::Map(fields)) => {
                if let Some((name, _)) = fields.iter().find(|(name, _)| !declared.iter().any(|(own, _)| own == name)) {
                    return Err(format!("{place}.{name} is not declared"));
                }
                declared.iter().try_for_each(|(name, declared)| {
                    let found = fields.iter().find(|(own, _)| own == name);
                    let (_, value) = found.ok_or_else(|| format!("{place}.{name} is declared and not there"))?;
                    self.is(declared, value, &format!("{place}.{name}"))
                })
            }
            (Type::Union(alternatives), value) => {
                let tag = value.field("type").cloned();
                let mut reasons = Vec::new();
                for alternative in alternatives {
                    let own = self.tag(alternative).map(|name| Value::Text(name.to_owned()));
                    if own.is_some() && own != tag {
                        continue;
                    }
                    match self.is(alternative, value, place) {
                        Ok(()) => {
                            self.met.insert(format!("{place} {alternative:?}"));
                            return Ok(());
                        }
                        Err(reason) => reasons.push(reason),
                    }
                }
                // The last is the one whose tag it has; else one is as good as another.
                reasons.pop().map_or_else(wrong, Err)
            }
            _ => wrong(),
        }
    }

    /// The literal under `type` by which a type is told from others.
    fn tag<'a>(&'a self, declared: &'a Type) -> Option<&'a str> {
        match declared {
            Type::Named(name) => self.types.get(name).and_then(|declared| self.tag(declared)),
            Type::Map(fields) => fields.iter().find_map(|(name, field)| match field {
                Type::Literal(text) if name == "type" => Some(text.as_str()),
                _ => None,
            }),
            _ => None,
        }
    }

    /// Alternatives that no value was of, in all types that are declared.
    pub(crate) fn unmet(&self) -> Vec<String> {
        let mut all = Vec::new();
        for (name, declared) in &self.types {
            alternatives(declared, name, &mut all);
        }
        all.retain(|alternative| !self.met.contains(alternative));
        all
    }
}

fn alternatives(declared: &Type, place: &str, all: &mut Vec<String>) {
    match declared {
        Type::Union(types) => {
            for alternative in types {
                all.push(format!("{place} {alternative:?}"));
                alternatives(alternative, place, all);
            }
        }
        Type::List(item) => alternatives(item, &format!("{place}[]"), all),
        Type::Map(fields) => {
            for (name, field) in fields {
                alternatives(field, &format!("{place}.{name}"), all);
            }
        }
        Type::Named(_) | Type::Literal(_) | Type::Names(_) => {}
    }
}

/// Words, literals and single signs, without comments.
fn tokens(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").expect("a comment ends") + 2
        } else if first == '"' {
            rest[1..].find('"').expect("a literal ends") + 2
        } else if first.is_alphanumeric() || first == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, behind) = rest.split_at(end);
        if !token.starts_with("//") && !token.starts_with("/*") && !first.is_whitespace() {
            out.push(token.to_owned());
        }
        rest = behind;
    }
    out
}

fn next_is(tokens: &[String], token: &str) -> bool {
    tokens.last().is_some_and(|next| next == token)
}

fn expect(tokens: &mut Vec<String>, token: &str) {
    let next = tokens.pop();
    assert_eq!(next.as_deref(), Some(token), "before {:?}", tokens.iter().rev().take(8).collect::<Vec<_>>());
}

fn union(tokens: &mut Vec<String>) -> Type {
    let mut types = Vec::new();
    if next_is(tokens, "|") {
        tokens.pop();
    }
    loop {
        types.push(single(tokens));
        if !next_is(tokens, "|") {
            break;
        }
        tokens.pop();
    }
    if types.len() == 1 {
        types.remove(0)
    } else {
        Type::Union(types)
    }
}

fn single(tokens: &mut Vec<String>) -> Type {
    let token = tokens.pop().expect("a type");
    let mut of = if token == "{" {
        fields(tokens)
    } else if let Some(literal) = token.strip_prefix('"') {
        Type::Literal(literal.trim_end_matches('"').to_owned())
    } else {
        Type::Named(token)
    };
    while next_is(tokens, "[") {
        expect(tokens, "[");
        expect(tokens, "]");
        of = Type::List(Box::new(of));
    }
    of
}

fn fields(tokens: &mut Vec<String>) -> Type {
    let mut fields = Vec::new();
    let mut names = None;
    while !next_is(tokens, "}") {
        let name = tokens.pop().expect("a field");
        if name == "[" {
            tokens.pop();
            for sign in [":", "string", "]", ":"] {
                expect(tokens, sign);
            }
            names = Some(union(tokens));
        } else {
            expect(tokens, ":");
            fields.push((name, union(tokens)));
        }
        if next_is(tokens, ";") {
            tokens.pop();
        }
    }
    expect(tokens, "}");
    names.map_or(Type::Map(fields), |of| Type::Names(Box::new(of)))
}
