"""The default transport: SSH by libssh2 in one event loop of gevent. Nothing else in nicamon knows gevent."""
