//! Enumerations that stay open: a newer server's value is kept, never an error.

/// An enumeration of texts.
///
/// ```
/// k8s_api::open_enum! {
///     /// What a port carries.
///     Protocol {
///         /// TCP.
///         Tcp = "TCP",
///     }
/// }
///
/// assert_eq!(Protocol::from("TCP"), Protocol::Tcp);
/// assert_eq!(Protocol::from("QUIC").as_str(), "QUIC");
/// assert_eq!(Protocol::default(), Protocol::Unspecified);
/// ```
#[macro_export]
macro_rules! open_enum {
    ($(#[$docs:meta])* $name:ident { $($(#[$value_docs:meta])* $value:ident = $text:literal,)* }) => {
        $(#[$docs])*
        #[derive(Clone, Default, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            /// Not set: it is not written.
            #[default]
            Unspecified,
            $($(#[$value_docs])* $value,)*
            /// A value that this version does not know.
            Other($crate::text::Str),
        }

        impl $name {
            /// The text that stands in documents.
            #[inline]
            pub fn as_str(&self) -> &str {
                match self {
                    Self::Unspecified => "",
                    $(Self::$value => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            #[inline]
            fn from(text: &str) -> Self {
                match text {
                    "" => Self::Unspecified,
                    $($text => Self::$value,)*
                    other => Self::Other(other.into()),
                }
            }
        }

        impl ::core::fmt::Display for $name {
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::core::fmt::Debug for $name {
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::view::EnumSlot for $name {
            #[inline]
            fn set(&mut self, text: &str) {
                *self = text.into();
            }
        }

        impl $crate::view::Value for $name {
            #[inline]
            fn view(&self) -> $crate::view::View<'_> {
                $crate::view::View::Str(self.as_str())
            }

            #[inline]
            fn slot(&mut self) -> $crate::view::Slot<'_> {
                $crate::view::Slot::Enum(self)
            }
        }
    };
}
