//go:build !linux

package platform

// lean does nothing where the system's own ways with a program's pages are not known.
func lean() {}
