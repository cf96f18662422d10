//! JSON patch: RFC 6902, with the limits of the real server.

use serde_json::Value;

use crate::testing::failure::Failure;

/// The real server's limit.
const MOST: usize = 10_000;

pub(crate) fn apply(target: &mut Value, patch: &Value) -> Result<(), Failure> {
    let operations = patch
        .as_array()
        .ok_or_else(|| Failure::bad_request("error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"))?;
    if operations.len() > MOST {
        let message =
            format!("The allowed maximum operations in a JSON patch is {MOST}, got {}", operations.len());
        return Err(Failure::too_large_patch(message));
    }
    if let Some(other) = operations.iter().find(|operation| !operation.is_object()) {
        let what = match other {
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Bool(_) => "bool",
            _ => "number",
        };
        return Err(Failure::bad_request(format!(
            "error decoding patch: json: cannot unmarshal {what} into Go value of type handlers.jsonPatchOp"
        )));
    }
    operations.iter().try_for_each(|operation| step(target, operation).map_err(|()| unfit()))
}

/// What the real server says of any operation that does not fit.
fn unfit() -> Failure {
    Failure::unfit("the server rejected our request due to an error in our request")
}

fn step(target: &mut Value, operation: &Value) -> Result<(), ()> {
    let text = |name: &str| operation[name].as_str().ok_or(());
    let path = pointer(text("path")?)?;
    // What is not said is null, as for the real server's library.
    let value = || Ok::<_, ()>(operation.get("value").cloned().unwrap_or_default());
    match text("op")? {
        "add" => add(target, &path, value()?),
        "remove" => remove(target, &path).map(drop),
        "replace" => replace(target, &path, value()?),
        "move" => {
            let from = pointer(text("from")?)?;
            let moved = remove(target, &from)?;
            add(target, &path, moved)
        }
        "copy" => {
            let from = pointer(text("from")?)?;
            let copied = match (at(target, &from).map(|value| value.clone()), from.split_last()) {
                (Some(copied), _) => copied,
                (None, Some((_, way))) if at(target, way).is_some_and(|it| it.is_object()) => Value::Null,
                _ => return Err(()),
            };
            add(target, &path, copied)
        }
        "test" => {
            let wanted = operation.get("value").cloned().unwrap_or_default();
            let found = at(target, &path).map(|value| value.clone()).unwrap_or_default();
            if same(&found, &wanted) { Ok(()) } else { Err(()) }
        }
        _ => Err(()),
    }
}

/// Numbers are compared as numbers.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

fn pointer(text: &str) -> Result<Vec<String>, ()> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let rest = text.strip_prefix('/').ok_or(())?;
    Ok(rest.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect())
}

fn index(step: &str, len: usize) -> Option<usize> {
    let plain = step == "0" || !step.starts_with('0') && !step.starts_with('+');
    step.parse().ok().filter(|index| plain && *index < len)
}

fn at<'v>(target: &'v mut Value, path: &[String]) -> Option<&'v mut Value> {
    path.iter().try_fold(target, |value, step| match value {
        Value::Object(fields) => fields.get_mut(step),
        Value::Array(list) => {
            let index = index(step, list.len())?;
            list.get_mut(index)
        }
        _ => None,
    })
}

fn add(target: &mut Value, path: &[String], value: Value) -> Result<(), ()> {
    let Some((last, way)) = path.split_last() else {
        *target = value;
        return Ok(());
    };
    match at(target, way).ok_or(())? {
        Value::Object(fields) => _ = fields.insert(last.clone(), value),
        Value::Array(list) if last == "-" => list.push(value),
        Value::Array(list) => {
            let index = index(last, list.len() + 1).ok_or(())?;
            list.insert(index, value);
        }
        _ => return Err(()),
    }
    Ok(())
}

/// Unlike the RFC the real server's library replaces fields that are not there.
fn replace(target: &mut Value, path: &[String], value: Value) -> Result<(), ()> {
    let Some((last, way)) = path.split_last() else {
        *target = value;
        return Ok(());
    };
    match at(target, way).ok_or(())? {
        Value::Object(fields) => _ = fields.insert(last.clone(), value),
        Value::Array(list) => {
            let index = index(last, list.len()).ok_or(())?;
            *list.get_mut(index).ok_or(())? = value;
        }
        _ => return Err(()),
    }
    Ok(())
}

fn remove(target: &mut Value, path: &[String]) -> Result<Value, ()> {
    let (last, way) = path.split_last().ok_or(())?;
    match at(target, way).ok_or(())? {
        Value::Object(fields) => fields.remove(last).ok_or(()),
        Value::Array(list) => {
            let index = index(last, list.len()).ok_or(())?;
            Ok(list.remove(index))
        }
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn operations_do_what_the_rfc_says() {
        let mut value = json!({"a": {"b/c": [1, 2]}, "d": "x"});
        let patch = json!([
            {"op": "test", "path": "/a/b~1c/0", "value": 1.0},
            {"op": "add", "path": "/a/b~1c/-", "value": 3},
            {"op": "add", "path": "/a/b~1c/0", "value": 0},
            {"op": "remove", "path": "/a/b~1c/1"},
            {"op": "replace", "path": "/d", "value": {"e": null}},
            {"op": "copy", "from": "/d", "path": "/f"},
            {"op": "move", "from": "/a/b~1c", "path": "/g"},
        ]);
        apply(&mut value, &patch).unwrap();
        assert_eq!(value, json!({"a": {}, "d": {"e": null}, "f": {"e": null}, "g": [0, 2, 3]}));
        for wrong in [
            json!([{"op": "test", "path": "/d", "value": 1}]),
            json!([{"op": "remove", "path": "/none"}]),
            json!([{"op": "replace", "path": "/g/3", "value": 1}]),
            json!([{"op": "add", "path": "/none/x", "value": 1}]),
            json!([{"op": "other", "path": "/d"}]),
            json!([{"op": "add", "path": "d", "value": 1}]),
            json!({}),
        ] {
            assert!(apply(&mut value, &wrong).is_err(), "{wrong}");
        }
    }
}
