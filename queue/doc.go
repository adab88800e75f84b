// Package queue holds everything JetStream: the embedded server or the connection
// to a cluster, the streams, the delivery log with its group commit, the jobs, the
// dead letters, the ledger and the audit. No other package sees NATS.
//
// The invariant: nothing is reported as stored before JetStream acknowledged it,
// and with the embedded server that acknowledgement means fsynced.
package queue
