"""Django's backend for PostgreSQL, with connections that know when to give up."""
