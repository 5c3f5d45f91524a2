import JSON

extension EventRenderer {
    /// Appends what stands in the place of events that are no longer kept, as one line of JSON.
    /// - Parameter executionID: as text; a stream may carry events of several.
    package static func renderGap(
        of executionID: [UInt8], from first: Int, to last: Int, to writer: inout ByteWriter
    ) {
        writer.append("{\"type\":\"gap\",\"execution_id\":\"")
        writer.append(executionID)
        writer.append("\",\"from\":")
        writer.append(decimal: first)
        writer.append(",\"to\":")
        writer.append(decimal: last)
        writer.append("}")
    }
}
