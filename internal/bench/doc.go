// Package bench measures Sever as senders meet it: over real HTTP, with the real
// store, beside a bare handler in the same run. It holds benchmarks only; run them
// with `make bench`.
package bench
