//! Decoding many objects of one kind.

use std::any::Any;
use std::collections::BTreeSet;
use std::marker::PhantomData;

use super::error::DecodeError;
use super::intern::Interner;
use super::json::Lexer;
use super::prune::Prune;
use super::shape::Shape;
use super::transform::Transform;
use super::{json, protobuf};
use crate::kind::Resource;
use crate::list::{ITEMS, List};
use crate::path::PathError;
use crate::view::{Message, Slot};

/// Decodes many objects of one kind, each faster than alone: it remembers what objects looked like so far. At choice,
/// equal texts share memory, and fields that nobody needs are never built.
///
/// ```
/// use k8s_api::codec::Decoder;
/// use k8s_api::core::v1::Pod;
///
/// let mut decoder = Decoder::<Pod>::new().interning(1 << 20).prune(["metadata.managedFields"])?;
/// let pods = decoder.json_list(br#"{"items":[{"metadata":{"name":"web","managedFields":[{}]}}]}"#)?;
/// assert_eq!(pods.items[0].metadata.name, "web");
/// assert!(pods.items[0].metadata.managed_fields.is_empty());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Decoder<K> {
    any: AnyDecoder,
    kind: PhantomData<fn() -> K>,
}

/// A [`Decoder`] whose kind is that of the objects it is given to fill: for what is compiled once for all kinds. Give it objects of the
/// kind that it was made for.
#[derive(Debug)]
pub struct AnyDecoder {
    shape: Shape,
    interner: Option<Interner>,
    prune: Option<Pruned>,
    transform: Option<Transform>,
}

/// Another decoder that does the same. What this one has learnt of its objects, and holds of them, stays here.
impl<K> Clone for Decoder<K> {
    fn clone(&self) -> Self {
        let AnyDecoder { shape: _, interner, prune, transform } = &self.any;
        let any = AnyDecoder {
            shape: Shape::new(),
            interner: interner.as_ref().map(Interner::empty),
            prune: prune.clone(),
            transform: transform.clone(),
        };
        Decoder { any, kind: PhantomData }
    }
}

#[derive(Clone, Debug)]
struct Pruned {
    object: Prune,
    list: Prune,
}

impl<K: Message + Default + 'static> Default for Decoder<K> {
    fn default() -> Decoder<K> {
        Decoder::new()
    }
}

impl<K: Message + Default + 'static> Decoder<K> {
    /// Decodes everything, and shares nothing.
    pub fn new() -> Decoder<K> {
        Decoder {
            any: AnyDecoder { shape: Shape::new(), interner: None, prune: None, transform: None },
            kind: PhantomData,
        }
    }

    /// Lets equal texts share their memory, and equal `FieldsV1` theirs: replicas are alike but for their names.
    /// The decoder itself holds no more than so many bytes for it; a mebibyte does for most.
    ///
    /// A kind with anything sensitive in it, such as Secret, shares nothing: a decoder must not outlive an object with
    /// a part of it.
    pub fn interning(mut self, bytes: usize) -> Decoder<K> {
        let sensitive = is_sensitive(&mut K::default(), &mut BTreeSet::new());
        self.any.interner = (!sensitive).then(|| Interner::new(bytes));
        self
    }

    /// Passes over fields while decoding: they stay empty, as if the server had not sent them. [Paths](crate::path) are written as in
    /// `metadata.managedFields`, `metadata.annotations['kubectl.kubernetes.io/last-applied-configuration']` and
    /// `spec.containers[*].env`; `data[*]` is what every key of a map holds.
    ///
    /// An object that was pruned is no longer what the server holds: to replace it would remove what was pruned.
    pub fn prune<P: AsRef<str>>(
        mut self,
        paths: impl IntoIterator<Item = P>,
    ) -> Result<Decoder<K>, PathError> {
        paths.into_iter().try_for_each(|path| self.leave_out(path.as_ref()))?;
        Ok(self)
    }

    fn leave_out(&mut self, path: &str) -> Result<(), PathError> {
        let mut object = self.any.prune.as_ref().map(|pruned| pruned.object.clone()).unwrap_or_default();
        object.add(path, &mut K::default())?;
        self.any.prune = Some(Pruned { list: object.of_items(ITEMS), object });
        Ok(())
    }

    /// Reads one object from JSON.
    pub fn json(&mut self, json: &[u8]) -> Result<K, DecodeError> {
        let mut object = K::default();
        self.any.json_into(&mut object, json)?;
        self.any.finish(&mut object)?;
        Ok(object)
    }

    /// Reads one object from protobuf, in its envelope.
    pub fn protobuf(&mut self, envelope: &[u8]) -> Result<K, DecodeError> {
        let mut object = K::default();
        self.any.protobuf_into(&mut object, envelope)?;
        self.any.finish(&mut object)?;
        Ok(object)
    }

    /// The same without the kind in its type.
    pub fn erase(self) -> AnyDecoder {
        self.any
    }
}

impl<K: Resource> Decoder<K> {
    /// [Leaves out](Self::prune) who set which field: half the bytes of many objects. Nobody needs them but to see conflicts of
    /// server-side apply.
    pub fn without_managed_fields(self) -> Decoder<K> {
        self.without("metadata.managedFields")
    }

    /// [Leaves out](Self::prune) the annotation in which `kubectl apply` keeps the object a second time.
    pub fn without_last_applied(self) -> Decoder<K> {
        self.without("metadata.annotations['kubectl.kubernetes.io/last-applied-configuration']")
    }

    /// Every kind has these fields.
    fn without(mut self, path: &str) -> Decoder<K> {
        let known = self.leave_out(path);
        debug_assert!(known.is_ok(), "{known:?}");
        self
    }

    /// Changes every object once it was read, before it is shared: to drop what [pruning](Self::prune) can't name, or to add what is
    /// asked for often. The last one that is set counts.
    ///
    /// Name, namespace, uid and resource version have to stay as they are: an object of which they change, or on which `change` panics, is
    /// as one that can't be read.
    ///
    /// ```
    /// use k8s_api::codec::Decoder;
    /// use k8s_api::core::v1::ConfigMap;
    ///
    /// let mut decoder = Decoder::<ConfigMap>::new().transform(|config| config.data.retain(|key, _| *key != "big"));
    /// let config = decoder.json(br#"{"metadata":{"name":"a"},"data":{"big":"x","small":"y"}}"#)?;
    /// assert_eq!(config.data.len(), 1);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn transform(mut self, change: impl Fn(&mut K) + Send + Sync + 'static) -> Decoder<K> {
        self.any.transform = Some(Transform::new(change));
        self
    }

    /// Reads a list from JSON.
    pub fn json_list(&mut self, json: &[u8]) -> Result<List<K>, DecodeError> {
        let mut list: List<K> = self.any.json_list(json)?;
        list.items.iter_mut().try_for_each(|object| self.any.finish(object))?;
        Ok(list)
    }

    /// Reads a list from protobuf, in its envelope.
    pub fn protobuf_list(&mut self, envelope: &[u8]) -> Result<List<K>, DecodeError> {
        let mut list = List::default();
        let any = &mut self.any;
        let prune = any.prune.as_ref().map(|prune| &prune.list);
        protobuf::read_envelope(&mut list, envelope, &mut any.shape, any.interner.as_mut(), prune)?;
        list.items.iter_mut().try_for_each(|object| any.finish(object))?;
        Ok(list)
    }
}

impl AnyDecoder {
    /// Does to an object that was read what [`Decoder::transform`] says.
    pub fn finish(&self, object: &mut dyn Any) -> Result<(), DecodeError> {
        self.transform.as_ref().map_or(Ok(()), |transform| transform.apply(object))
    }

    /// Reads one object from JSON; fields that are absent keep what they hold.
    pub fn json_into(&mut self, object: &mut dyn Message, json: &[u8]) -> Result<(), DecodeError> {
        let prune = self.prune.as_ref().map(|prune| &prune.object);
        json::read(object, json, &mut self.shape, self.interner.as_mut(), prune)
    }

    /// Reads an event of a watch in one go, as an API server writes one: its type, then an object of the kind, and nothing
    /// else. Gives its type.
    ///
    /// Of anything else it is `None`, an event of the type `ERROR` and an object that can't be read among it: what that is,
    /// [`json::event`] says. `object` is then half filled.
    pub fn event_into<'a>(&mut self, object: &mut dyn Message, json: &'a [u8]) -> Option<&'a str> {
        let mut lexer = Lexer::new(json).ok()?;
        let type_ = lexer.event_type().ok()??;
        self.next_into(object, &mut lexer).ok()?;
        lexer.event_end().ok()?;
        Some(type_)
    }

    /// Reads the object that comes next in a longer text.
    pub(super) fn next_into(
        &mut self,
        object: &mut dyn Message,
        lexer: &mut Lexer<'_>,
    ) -> Result<(), DecodeError> {
        let prune = self.prune.as_ref().map(|prune| &prune.object);
        json::read_next(object, lexer, &mut self.shape, self.interner.as_mut(), prune)
    }

    /// Reads a list from JSON.
    fn json_list<K: Resource>(&mut self, json: &[u8]) -> Result<List<K>, DecodeError> {
        let mut list = List::default();
        let prune = self.prune.as_ref().map(|prune| &prune.list);
        json::read(&mut list, json, &mut self.shape, self.interner.as_mut(), prune)?;
        Ok(list)
    }

    /// Reads one object from protobuf, in its envelope; fields that are absent keep what they hold.
    pub fn protobuf_into(&mut self, object: &mut dyn Message, envelope: &[u8]) -> Result<(), DecodeError> {
        let prune = self.prune.as_ref().map(|prune| &prune.object);
        protobuf::read_envelope(object, envelope, &mut self.shape, self.interner.as_mut(), prune)
    }
}

/// Whether anything in a type is sensitive, at any depth. The value is filled to see the types inside of it.
fn is_sensitive(message: &mut dyn Message, seen: &mut BTreeSet<&'static str>) -> bool {
    let table = message.table();
    // Of a kind that is not known anything may be.
    table.at_run_time
        || seen.insert(table.name)
            && table.fields().enumerate().any(|(position, field)| {
                field.sensitive
                    || message.field_mut(position).is_some_and(|slot| is_slot_sensitive(slot, seen))
            })
}

fn is_slot_sensitive(slot: Slot<'_>, seen: &mut BTreeSet<&'static str>) -> bool {
    match slot {
        Slot::Message(message) => is_sensitive(message, seen),
        Slot::Option(option) => is_slot_sensitive(option.fill(), seen),
        Slot::List(list) => is_slot_sensitive(list.push(), seen),
        Slot::Map(map) => is_slot_sensitive(map.entry(Default::default()), seen),
        _ => false,
    }
}
