import Wire

extension RouteTable {
    /// The rows of transactions, one file per API key.
    static let transactionRoutes: [Route] = [
        Route(AddPartitionsToTxnRequest.self) { $0.handleAddPartitionsToTxn($1, $2) },
        Route(AddOffsetsToTxnRequest.self) { $0.handleAddOffsetsToTxn($1, $2) },
        Route(EndTxnRequest.self) { $0.handleEndTxn($1, $2) },
        Route(WriteTxnMarkersRequest.self) { $0.handleWriteTxnMarkers($1, $2) },
        Route(TxnOffsetCommitRequest.self) { $0.handleTxnOffsetCommit($1, $2) },
        Route(DescribeTransactionsRequest.self) { $0.handleDescribeTransactions($1, $2) },
        Route(ListTransactionsRequest.self) { $0.handleListTransactions($1, $2) },
    ]
}
