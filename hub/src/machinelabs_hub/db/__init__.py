"""The one way to SQL: engine, sessions and tables; each table has one writing process."""
