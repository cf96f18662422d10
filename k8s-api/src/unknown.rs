//! What a newer server sent and this version's table does not know.

use crate::raw::RawJson;
use crate::text::Str;

/// Fields that were read and are written back as they were. Empty in an object that a program makes.
///
/// Each remembers the format it came in: an object with fields that came as protobuf can only go back as protobuf.
#[derive(Clone, Default, PartialEq)]
pub struct Unknown(Option<Box<Fields>>);

#[derive(Clone, Debug, Default, PartialEq)]
struct Fields {
    json: Vec<(Str, RawJson)>,
    protobuf: Vec<u8>,
}

impl Unknown {
    /// Nothing is unknown.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The fields that came as JSON, in their order.
    pub fn json(&self) -> &[(Str, RawJson)] {
        self.0.as_ref().map_or(&[], |fields| &fields.json)
    }

    /// The fields that came as protobuf, as they were encoded.
    pub fn protobuf(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |fields| &fields.protobuf)
    }

    pub(crate) fn push_json(&mut self, name: Str, value: RawJson) {
        let fields = &mut self.0.get_or_insert_default().json;
        // Of a field that comes twice the last one counts, as for those that are known.
        fields.retain(|(known, _)| *known != name);
        fields.push((name, value));
    }

    /// Puts a field where it was, or at the end.
    pub(crate) fn set_json(&mut self, name: &str, value: RawJson) {
        let fields = &mut self.0.get_or_insert_default().json;
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => fields.push((name.into(), value)),
        }
    }

    pub(crate) fn remove_json(&mut self, name: &str) {
        let Some(fields) = &mut self.0 else { return };
        fields.json.retain(|(known, _)| known != name);
        if fields.json.is_empty() && fields.protobuf.is_empty() {
            self.0 = None;
        }
    }

    pub(crate) fn push_protobuf(&mut self, field: &[u8]) {
        if field.is_empty() {
            return;
        }
        self.0.get_or_insert_default().protobuf.extend_from_slice(field);
    }
}

impl std::fmt::Debug for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Names only: a newer server's secret must not end in a log.
        f.debug_list().entries(self.json().iter().map(|(name, _)| name)).finish()
    }
}
