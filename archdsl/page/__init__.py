"""The explorer: what a network is and costs as one document, and the page that shows it."""
