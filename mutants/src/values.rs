//! What a function's body is replaced by: values of its return type, by the rules of cargo-mutants
//! as far as this workspace's types need them.

use syn::{GenericArgument, Path, PathArguments, ReturnType, Type};

/// Expressions of the type that a function returns; some may turn out not to compile.
pub(crate) fn of_return(output: &ReturnType) -> Vec<String> {
    match output {
        ReturnType::Default => vec!["()".to_owned()],
        ReturnType::Type(_, kind) => of_type(kind),
    }
}

fn of_type(kind: &Type) -> Vec<String> {
    match kind {
        Type::Path(path) => of_path(&path.path),
        Type::Never(_) | Type::ImplTrait(_) => Vec::new(),
        Type::Tuple(tuple) => {
            let mut rows = vec![String::new()];
            for element in &tuple.elems {
                let values = of_type(element);
                rows = rows
                    .iter()
                    .flat_map(|row| values.iter().map(move |value| format!("{row}{value}, ")))
                    .collect();
            }
            rows.iter().map(|row| format!("({})", row.trim_end_matches(", "))).collect()
        }
        Type::Reference(reference) => match &*reference.elem {
            Type::Path(path) if path.path.is_ident("str") => each(&["\"\"", "\"xyzzy\""]),
            Type::Slice(slice) => leaked(&slice.elem),
            other => wrapped(of_type(other), "Box::leak(Box::new(", "))"),
        },
        _ => each(&["Default::default()"]),
    }
}

fn of_path(path: &Path) -> Vec<String> {
    let Some(last) = path.segments.last() else { return Vec::new() };
    let inner = first_argument(&last.arguments);
    match (last.ident.to_string().as_str(), inner) {
        ("bool", _) => each(&["true", "false"]),
        ("u8" | "u16" | "u32" | "u64" | "u128" | "usize", _) => each(&["0", "1"]),
        ("i8" | "i16" | "i32" | "i64" | "i128" | "isize", _) => each(&["0", "1", "-1"]),
        ("String", _) => each(&["String::new()", "\"xyzzy\".into()"]),
        ("Result", Some(inner)) => wrapped(of_type(inner), "Ok(", ")"),
        ("Result", None) => each(&["Ok(Default::default())"]),
        ("Option", Some(inner)) => {
            let mut values = each(&["None"]);
            values.extend(wrapped(of_type(inner), "Some(", ")"));
            values
        }
        // Beyond the rules of cargo-mutants, which tries `Default` here and never compiles.
        ("Poll", Some(inner)) => {
            let mut values = each(&["std::task::Poll::Pending"]);
            values.extend(wrapped(of_type(inner), "std::task::Poll::Ready(", ")"));
            values
        }
        ("Vec", Some(inner)) => {
            let mut values = each(&["vec![]"]);
            values.extend(wrapped(of_type(inner), "vec![", "]"));
            values
        }
        ("Box" | "Cell" | "RefCell" | "Arc" | "Rc" | "Mutex", Some(inner)) => {
            wrapped(of_type(inner), &format!("{}::new(", last.ident), ")")
        }
        _ => each(&["Default::default()"]),
    }
}

fn first_argument(arguments: &PathArguments) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(kind) => Some(kind),
        _ => None,
    })
}

fn leaked(element: &Type) -> Vec<String> {
    let mut values = each(&["Vec::leak(Vec::new())"]);
    values.extend(wrapped(of_type(element), "Vec::leak(vec![", "])"));
    values
}

fn each(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn wrapped(values: Vec<String>, before: &str, after: &str) -> Vec<String> {
    values.iter().map(|value| format!("{before}{value}{after}")).collect()
}
