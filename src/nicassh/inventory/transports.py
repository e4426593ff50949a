"""The one list of transports: their names in an inventory, and where each one is."""

TRANSPORTS = {
    "libssh2": "nicassh.transport.libssh2.transport:Libssh2",
    "local": "nicassh.transport.local:Local",
}
"""Name to module and class. Nothing is imported before a node is asked. See `nicassh.transport.base.Transport`."""
