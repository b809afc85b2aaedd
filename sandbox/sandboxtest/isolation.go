package sandboxtest

import "testing"

func (b *bench) python(t *testing.T)    {}
func (b *bench) node(t *testing.T)      {}
func (b *bench) limits(t *testing.T)    {}
func (b *bench) isolation(t *testing.T) {}
