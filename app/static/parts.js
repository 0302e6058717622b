// Places where a file of one job joins the screen: it pushes a function (review) => part, called
// once a screen. What a part may have is said at the top of grid.js.

const PARTS = [];
