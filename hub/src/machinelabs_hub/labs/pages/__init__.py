"""The labs' pages for people: take what was asked, call a service, give a page."""
