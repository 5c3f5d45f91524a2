import JSON
import Testing

@Test func `a text is minified and keeps its tokens`() throws {
    let text = try JSONText(parsing: " { \"b\" : [ 1.0 , -0, 1E+2 ,\"\\u0041\\/\" ] , \"a\" : { } ,\r\n\"c\":[ ]\t} ")
    #expect(text.description == #"{"b":[1.0,-0,1E+2,"\u0041\/"],"a":{},"c":[]}"#)
}
