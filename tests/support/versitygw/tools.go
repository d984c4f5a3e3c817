//go:build tools

// Package versitygw pins the S3 server of the contract tests. Nothing here is compiled:
// `go build github.com/versity/versitygw/cmd/versitygw` inside this module builds exactly the versions that
// go.mod and go.sum name.
package versitygw

import _ "github.com/versity/versitygw/cmd/versitygw"
