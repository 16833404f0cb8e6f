export const products = [
  { id: 1, name: 'Teapot', price: 24 },
  { id: 2, name: 'Cup', price: 8 },
  { id: 3, name: 'Green tea', price: 12 },
]
