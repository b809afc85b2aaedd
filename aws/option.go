package aws

// Members of generated structures that were not sent are nil pointers.

// Or returns the value of a member, or otherwise when it is absent.
func Or[T any](member *T, otherwise T) T {
	if member == nil {
		return otherwise
	}
	return *member
}

// Some returns v as a member, which is absent when v is the zero value.
func Some[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
