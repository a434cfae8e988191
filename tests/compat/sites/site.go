// site - the site of the suite by Go's net/http, which no preload sees.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func answer(out http.ResponseWriter, request *http.Request) {
	switch {
	case request.Method == "POST":
		bytes, _ := io.Copy(io.Discard, request.Body)
		fmt.Fprintf(out, "got %d", bytes)
	case request.URL.Path == "/chunk":
		for _, part := range []string{"a", "bc", "def"} {
			fmt.Fprint(out, part)
			out.(http.Flusher).Flush()
		}
	default:
		http.ServeFile(out, request, os.Getenv("SITE_WWW")+request.URL.Path)
	}
}

func main() {
	http.HandleFunc("/", answer)
	fmt.Fprintln(os.Stderr, http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
