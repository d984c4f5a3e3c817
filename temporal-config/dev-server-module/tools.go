//go:build tools

// Package devserver pins the Temporal CLI, whose `temporal server start-dev` is the embedded default
// of AURA. Nothing here is compiled: `go build github.com/temporalio/cli/cmd/temporal` inside this
// module builds exactly the versions that go.mod and go.sum name. Newer CLI modules cannot be built
// from the module proxy (they use replace directives).
package devserver

import _ "github.com/temporalio/cli/cmd/temporal"
