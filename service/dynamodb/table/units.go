package table

// ReadUnits is what reading size bytes costs: a unit for every 4 KB begun, half of that unless consistent.
func ReadUnits(size int, consistent bool) float64 {
	units := float64(max(1, (size+readUnit-1)/readUnit))
	if !consistent {
		units /= 2
	}
	return units
}

// WriteUnits is what a write costs that leaves an item of one of the sizes in place of one of the other: a unit for
// every KB begun of the larger.
func WriteUnits(before, after int) float64 {
	return float64(max(1, (max(before, after)+writeUnit-1)/writeUnit))
}
