"""Pictures: examples as a person looks at them."""
