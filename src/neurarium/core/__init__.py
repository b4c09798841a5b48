"""The ground floor: errors, seeds, nested batches, recipes, the file codec. Nothing here imports a higher room."""
