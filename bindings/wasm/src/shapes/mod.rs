//! Whether the declarations that pages go by are those of what is written: values of every type are made up, written as they
//! are to a page, read as a page reads them, and compared with `platforms/web/src/boundary/told.ts`.

mod declared;
pub(crate) mod sample;
pub(crate) mod value;

use serde::Deserialize;
use telecine_engine::Event;
use telecine_model::Interstitial;

use self::declared::Declared;
use self::value::{read, Value};
use crate::answers::{ToldPresentation, ToldQoe, ToldSnapshot};
use crate::record::Writer;
use crate::told;

/// So many values have everything in them: of the rarest (a border of a region of a cue) there are some tens.
const MANY: usize = 20_000;

fn told(event: &Event) -> Value {
    let mut out = Writer::default();
    told::event(&mut out, event);
    read(&out.bytes()[1..])
}

fn answered(answer: &impl serde::Serialize) -> Value {
    let mut out = Writer::default();
    told::alone(&mut out, answer);
    read(out.bytes())
}

fn check<T: Deserialize<'static>>(declared: &mut Declared, name: &str, many: usize, write: impl Fn(&T) -> Value) {
    for _ in 0..many {
        let value = write(&sample::next());
        if let Err(reason) = declared.check(name, &value) {
            panic!("{reason}\nin {value}");
        }
    }
}

#[test]
fn declarations_are_of_what_is_written_each_variant_and_each_field() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../platforms/web/src/boundary/told.ts");
    let mut declared = Declared::parse(&std::fs::read_to_string(path).expect("told.ts is there"));
    check::<Event>(&mut declared, "Told", MANY, told);
    check::<ToldSnapshot<'static>>(&mut declared, "Snapshot", 500, answered);
    check::<ToldPresentation<'static>>(&mut declared, "Presentation", 500, answered);
    check::<ToldQoe<'static>>(&mut declared, "Qoe", 500, answered);
    check::<Interstitial>(&mut declared, "Interstitial", 500, answered);
    let unmet = declared.unmet();
    assert!(unmet.is_empty(), "declared, and never written: {unmet:#?}");
}

#[test]
fn a_field_too_few_and_one_too_many_are_found() {
    let mut declared = Declared::parse(
        "// A test.\nexport interface A { a: number; /** Some. */ b: \"x\" | null; }\nexport type B = A[] | { [k: string]: A };",
    );
    let a = |b| Value::Map(vec![("a".to_owned(), Value::Number(1.0)), ("b".to_owned(), b)]);
    assert_eq!(declared.check("B", &Value::List(vec![a(Value::Null)])), Ok(()));
    assert_eq!(declared.unmet().len(), 2, "{:?}", declared.unmet());
    assert_eq!(declared.check("B", &Value::Map(vec![("k".to_owned(), a(Value::Text("x".to_owned())))])), Ok(()));
    assert!(declared.unmet().is_empty());
    for wrong in [Value::Null, a(Value::Flag(true)), Value::List(vec![a(Value::Text("y".to_owned()))])] {
        assert!(declared.check("B", &wrong).is_err(), "{wrong}");
    }
    let fewer = Value::Map(vec![("a".to_owned(), Value::Number(1.0))]);
    assert_eq!(declared.check("A", &fewer), Err("A.b is declared and not there".to_owned()));
    let Value::Map(mut fields) = a(Value::Null) else { panic!("a map") };
    fields.push(("c".to_owned(), Value::Null));
    assert_eq!(declared.check("A", &Value::Map(fields)), Err("A.c is not declared".to_owned()));
}
