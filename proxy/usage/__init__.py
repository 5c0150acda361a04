"""What requests used and cost: the record of each, prices, the database, reports, budgets."""
